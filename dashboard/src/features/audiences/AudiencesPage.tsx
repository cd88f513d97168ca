import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function AudiencesPage() {
  return (
    <Page title="Audiences and backups">
      <NotYet thing="audience runs" />
    </Page>
  );
}
