import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function StoresPage() {
  return (
    <Page title="Retail Store">
      <NotYet thing="stores" />
    </Page>
  );
}
