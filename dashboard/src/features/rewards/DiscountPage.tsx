import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function DiscountPage() {
  return (
    <Page title="Discount">
      <NotYet thing="discounts" />
    </Page>
  );
}
