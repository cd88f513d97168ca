import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function AccountPage() {
  return (
    <Page title="Account Settings">
      <NotYet thing="account settings" />
    </Page>
  );
}
