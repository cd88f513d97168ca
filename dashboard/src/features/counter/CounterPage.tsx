import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function CounterPage() {
  return (
    <Page title="Staff (Budtender) view">
      <NotYet thing="Staff view" />
    </Page>
  );
}
