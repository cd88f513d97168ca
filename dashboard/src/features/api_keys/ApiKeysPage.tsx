import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function ApiKeysPage() {
  return (
    <Page title="API & Tracking">
      <NotYet thing="API keys" />
    </Page>
  );
}
