import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function StorePage() {
  return (
    <Page title="Store">
      <NotYet thing="stores" />
    </Page>
  );
}
