import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function SwitchPage() {
  return (
    <Page title="Switch POS" right="integrations:write">
      <NotYet thing="guide for switching" />
    </Page>
  );
}
