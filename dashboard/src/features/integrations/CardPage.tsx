import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function CardPage() {
  return (
    <Page title="Integration">
      <NotYet thing="integrations" />
    </Page>
  );
}
