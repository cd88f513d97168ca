/** Where the shoppers of a source went, its sales without a shopper, and its stock. */

import { Anchor, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/client';
import { useAccount, useFormat, useNow } from '../../app/account';
import { Go } from '../../components/Go';
import { StatusPill } from '../../components/Meaning';
import { Panel } from '../../components/Page';
import { Part, Skeletons } from '../../components/Part';
import { isStale, LocalTime } from '../../components/Text';
import { type Card, flowQuery } from './queries';
import { t } from './words';

export function Flow({ card }: { card: Card }) {
  const account = useAccount();
  const format = useFormat();
  const now = useNow();
  const flow = useQuery({
    ...flowQuery(account.uid, card.platform),
    enabled: card.state !== 'draft',
  });
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
            {account.may('inventory:read') && (
              <Text>
                {stock ? t('stock', { n: stock.items }) : t('noStock')}
                {stock?.as_of && (
                  <>
                    , <LocalTime at={stock.as_of} both />{' '}
                    {isStale(stock.as_of, now) && (
                      <StatusPill meaning="warn" word={t('staleStock')} />
                    )}
                  </>
                )}{' '}
                {stock && (
                  <Anchor
                    component={Go}
                    to={`${base}/settings/integrations/${card.platform}/stock`}
                  >
                    {t('toStock')}
                  </Anchor>
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
