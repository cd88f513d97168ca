import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function MyPage() {
  return (
    <Page title="My settings">
      <NotYet thing="page of your own settings" />
    </Page>
  );
}
