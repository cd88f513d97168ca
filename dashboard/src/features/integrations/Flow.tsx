/** Where the shoppers of a source went, its sales without a shopper, and its stock. */

import { Anchor, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAccount, useFormat } from '../../app/account';
import { Go } from '../../components/Go';
import { Panel } from '../../components/Page';
import { Part, Skeletons } from '../../components/Part';
import { LocalTime } from '../../components/Text';
import type { Card } from './queries';
import { t } from './words';

function useFlow(card: Pick<Card, 'platform' | 'state'>) {
  const { uid } = useAccount();
  return useQuery({
    queryKey: [uid, 'integrations', card.platform, 'flow'],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/integrations/{platform}/flow', {
        path: { uid, platform: card.platform },
        signal,
      }),
    enabled: card.state !== 'draft',
    staleTime: 60_000,
  });
}

export function Flow({ card }: { card: Card }) {
  const account = useAccount();
  const format = useFormat();
  const flow = useFlow(card);
  const base = `/a/${account.uid}`;
  return (
    <Panel title={t('flow')} id="flow">
      <Part query={flow} skeleton={<Skeletons lines={1} height={150} />}>
        {({ funnel, unlinked, stock, last_signup_at: signup }) => (
          <Stack gap="sm">
            {funnel ? (
              <>
                <Went funnel={funnel} people={`${base}/personas`} platform={card.platform} />
                <Text c="dimmed" fz={12}>
                  {t('flowAsOf', { at: format.instant(funnel.as_of) })}
                </Text>
              </>
            ) : (
              <Text c="dimmed">{t('flowUncounted')}</Text>
            )}
            {unlinked && unlinked.of > 0 && (
              <Text>
                {t('unlinkedOf', { n: unlinked.sales, of: unlinked.of })}{' '}
                {unlinked.sales > 0 && t('unlinkedWhy', { title: card.title })}
              </Text>
            )}
            {stock && (
              <Text>
                {t('stock', { n: stock.items })}
                {stock.as_of && (
                  <>
                    , <LocalTime at={stock.as_of} both />
                  </>
                )}
              </Text>
            )}
            {signup && (
              <Text>
                {t('lastSignup')} <LocalTime at={signup} both />
              </Text>
            )}
          </Stack>
        )}
      </Part>
    </Panel>
  );
}

/** What was sent is the sum of where it went. */
function Went({
  funnel,
  people,
  platform,
}: {
  funnel: Schemas['FunnelAnswer'];
  people: string;
  platform: string;
}) {
  const parts: { key: string; n: number | null; label: ReactNode }[] = [
    {
      key: 'personas',
      n: funnel.personas,
      label: (
        <Anchor component={Go} to={people} search={{ source: platform }} fz={12}>
          {t('wentPersonas')}
        </Anchor>
      ),
    },
    { key: 'merged', n: funnel.merged, label: t('wentMerged') },
    { key: 'without', n: funnel.without_contact, label: t('wentWithout') },
    {
      key: 'aside',
      n: funnel.set_aside,
      label: funnel.set_aside > 0 ? <a href="#syncs">{t('wentAside')}</a> : t('wentAside'),
    },
    { key: 'market', n: funnel.out_of_market, label: t('wentMarket') },
  ];
  return (
    <Group gap="lg" component="dl" m={0}>
      <Figure n={funnel.sent}>{t('wentSent')}</Figure>
      {parts
        .filter(({ key, n }) => key === 'personas' || n !== 0)
        .map(({ key, n, label }) => (
          <Figure key={key} n={n}>
            {label}
          </Figure>
        ))}
    </Group>
  );
}

function Figure({ n, children }: { n: number | null; children: ReactNode }) {
  const format = useFormat();
  return (
    <div>
      <Text component="dt" fz={12} c="dimmed">
        {children}
      </Text>
      <Text component="dd" m={0} fz={20} fw={650}>
        {format.number(n)}
      </Text>
    </div>
  );
}
