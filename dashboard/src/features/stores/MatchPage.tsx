import { NotYet } from '../../components/Notice';
import { Page } from '../../components/Page';

export function MatchPage() {
  return (
    <Page title="Match keys">
      <NotYet thing="page for matching keys" />
    </Page>
  );
}
