import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function ActivityPage() {
  return (
    <Page title="Activity log">
      <NotYet thing="activity log" />
    </Page>
  );
}
