import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function DiscountsPage() {
  return (
    <Page title="Discounts">
      <NotYet thing="discounts" />
    </Page>
  );
}
