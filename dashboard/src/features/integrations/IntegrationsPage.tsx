import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function IntegrationsPage() {
  return (
    <Page title="Integrations">
      <NotYet thing="integrations" />
    </Page>
  );
}
