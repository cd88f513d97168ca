import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function SwitchPage() {
  return (
    <Page title="Switch POS">
      <NotYet thing="guide for switching" />
    </Page>
  );
}
