import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function LoyaltyPage() {
  return (
    <Page title="Loyalty">
      <NotYet thing="loyalty settings" />
    </Page>
  );
}
