import { NotYet } from '../../components/Notice';
import { Panel } from '../../components/Page';
import { t } from './words';

/** The figures and charts of the account; loaded after the page. */
export default function Figures() {
  return (
    <Panel title={t('figures')} id="figures">
      <NotYet thing={t('charts')} />
    </Panel>
  );
}
