/** The figures and charts of the account; loaded after the page. */

import { Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { call } from '../../api/client';
import { useFormat, useUid } from '../../app/account';
import { Part, Skeletons } from '../../components/Part';
import Charts from './Charts';
import { t } from './chartWords';
import { Figure, FigureGrid } from './OverviewPage';

export default function Figures() {
  const uid = useUid();
  const format = useFormat();
  const overview = useQuery({
    queryKey: [uid, 'overview'],
    queryFn: ({ signal }) => call('get', '/api/accounts/{uid}/overview', { path: { uid }, signal }),
    refetchInterval: 60_000,
  });
  return (
    <Stack gap="lg">
      <Part
        query={overview}
        skeleton={
          <FigureGrid>
            {['personas', 'members', 'points'].map((each) => (
              <Skeletons key={each} lines={1} height={92} />
            ))}
          </FigureGrid>
        }
      >
        {(said) => {
          const asOf = said.as_of
            ? t('counted', { at: format.instant(said.as_of) })
            : t('uncounted');
          const known = said.as_of !== null;
          return (
            <FigureGrid>
              <Figure
                label={t('personas')}
                hint={said.personas_today > 0 ? t('today', { n: said.personas_today }) : asOf}
              >
                {format.number(known ? said.personas : null)}
              </Figure>
              <Figure label={t('members')} hint={asOf}>
                {format.number(known ? said.members : null)}
              </Figure>
              <Figure label={t('points')} hint={asOf}>
                {format.points(said.points_open)}
              </Figure>
            </FigureGrid>
          );
        }}
      </Part>
      <Charts />
    </Stack>
  );
}
