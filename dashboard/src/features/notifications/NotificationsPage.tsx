import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function NotificationsPage() {
  return (
    <Page title="Notifications">
      <NotYet thing="notifications" />
    </Page>
  );
}
