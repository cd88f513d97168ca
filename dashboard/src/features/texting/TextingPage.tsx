import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function TextingPage() {
  return (
    <Page title="Texting">
      <NotYet thing="texting settings" />
    </Page>
  );
}
