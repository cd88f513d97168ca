import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function PersonasPage() {
  return (
    <Page title="Personas">
      <NotYet thing="personas" />
    </Page>
  );
}
