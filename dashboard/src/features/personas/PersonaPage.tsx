import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function PersonaPage() {
  return (
    <Page title="Persona">
      <NotYet thing="personas" />
    </Page>
  );
}
