import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function OverviewPage() {
  return (
    <Page title="Overview">
      <NotYet thing="overview" />
    </Page>
  );
}
