import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function SyncPage() {
  return (
    <Page title="Sync">
      <NotYet thing="sync page" />
    </Page>
  );
}
