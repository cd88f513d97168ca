import { Progress, Stack, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { useAccount, useFormat } from '../../app/account';
import { DataList } from '../../components/DataList';
import { formatSpan } from '../../components/format';
import { Go } from '../../components/Go';
import { type Meaning, StatusPill, Strip } from '../../components/Meaning';
import { Empty } from '../../components/Notice';
import { Panel } from '../../components/Page';
import { Foreign, LocalTime, Said } from '../../components/Text';
import { nameOfCredential } from '../integrations/nameOfCredential';
import type { Card } from '../integrations/queries';
import { isLive, liveRunsQuery, percentOf, type Run, runsQuery, sumOf } from './queries';
import { t } from './words';

const MEANINGS: Record<Run['state'], Meaning> = {
  queued: 'busy',
  running: 'busy',
  waiting: 'warn',
  succeeded: 'good',
  failed: 'bad',
  stopped: 'idle',
};

/** The syncs of a card: those under way with their progress, then the history. */
export function Syncs({ card }: { card: Card }) {
  const account = useAccount();
  const format = useFormat();
  const cache = useQueryClient();
  const live = useQuery(liveRunsQuery(account.uid));
  const runs = useInfiniteQuery(runsQuery(account.uid, card.platform));
  const mine = (live.data?.items ?? []).filter((run) => run.platform === card.platform);
  const names = new Map(card.credentials.map((each) => [each.id, nameOfCredential(card, each)]));

  // When a sync ends, what it brought shows by itself.
  const before = useRef(0);
  useEffect(() => {
    if (mine.length < before.current) {
      void cache.invalidateQueries({ queryKey: [account.uid, 'runs', card.platform] });
      void cache.invalidateQueries({ queryKey: [account.uid, 'integrations'] });
      void cache.invalidateQueries({ queryKey: [account.uid, 'notifications'] });
    }
    before.current = mine.length;
  }, [mine.length, cache, account.uid, card.platform]);

  const history = runs.data?.pages.flatMap((page) => page.items) ?? [];
  const latest = history.find((run) => run.state === 'succeeded');
  const base = `/a/${account.uid}/settings/integrations/${card.platform}/syncs`;
  return (
    <Panel title={t('title')} id="syncs" padded={false}>
      <Stack gap="md" px="md" pb={mine.length > 0 || latest?.sales_unlinked ? 'md' : 0}>
        {mine.map((run) => (
          <ProgressOfSync
            key={run.id}
            run={run}
            name={names.get(run.credential)}
            title={card.title}
          />
        ))}
        {latest !== undefined && latest.sales_unlinked > 0 && (
          <Text c="dimmed">
            {t('unlinked', { n: latest.sales_unlinked })} {t('unlinkedHint', { title: card.title })}
          </Text>
        )}
      </Stack>
      <DataList
        caption={t('history')}
        query={runs}
        rowKey={(run) => run.id}
        linked
        empty={<Empty>{t('empty')}</Empty>}
        columns={[
          {
            key: 'when',
            title: t('when'),
            cell: (run) => (
              <Go to={`${base}/${run.id}`}>
                <LocalTime at={run.queued_at} />
              </Go>
            ),
          },
          {
            key: 'outcome',
            title: t('outcome'),
            cell: (run) => <StatusPill meaning={MEANINGS[run.state]} word={t(run.state)} />,
          },
          {
            key: 'credential',
            title: t('credential'),
            cell: (run) => <Foreign>{names.get(run.credential) ?? '—'}</Foreign>,
          },
          { key: 'why', title: t('why'), cell: (run) => t(run.trigger) },
          {
            key: 'took',
            title: t('took'),
            number: true,
            label: true,
            cell: (run) => tookOf(run),
          },
          {
            key: 'new',
            title: t('new'),
            number: true,
            label: true,
            cell: (run) => format.number(sumOf(run, 'new')),
          },
          {
            key: 'changed',
            title: t('changed'),
            number: true,
            label: true,
            cell: (run) => format.number(sumOf(run, 'changed')),
          },
          {
            key: 'set_aside',
            title: t('setAside'),
            number: true,
            label: true,
            cell: (run) => {
              const n = sumOf(run, 'set_aside');
              return n > 0 ? (
                <Go to={`${base}/${run.id}`}>{format.number(n)}</Go>
              ) : (
                format.number(n)
              );
            },
          },
        ]}
      />
    </Panel>
  );
}

export function tookOf(run: Run): string {
  if (!run.started_at || !run.ended_at) return '—';
  const ms = Date.parse(run.ended_at) - Date.parse(run.started_at);
  return ms < 60_000 ? t('seconds', { n: Math.max(1, Math.round(ms / 1000)) }) : formatSpan(ms);
}

/** Who must act on a failed sync, and its reason. */
export function FailureOf({ run, title }: { run: Run; title: string }) {
  if (!run.error) return null;
  const who =
    run.error.actor === 'you'
      ? t('you')
      : run.error.actor === 'us'
        ? t('us')
        : t('them', { title });
  return (
    <Strip meaning={run.error.actor === 'you' ? 'bad' : 'warn'}>
      <strong>{who}.</strong> <Said>{run.error.message}</Said>
    </Strip>
  );
}

const QUIET_MS = 40_000;
const SAY_MS = 10_000;

/** A sync under way: per kind of data how much came, and whether anything moves. */
export function ProgressOfSync({ run, name, title }: { run: Run; name?: string; title: string }) {
  const kinds = Object.entries(run.streams) as [
    keyof Run['streams'] & string,
    Run['streams'][string],
  ][];
  const count = kinds.reduce((sum, [, totals]) => sum + totals.fetched, 0);
  const moved = useRef({ count, at: Date.now() });
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = window.setInterval(() => tick((now) => now + 1), 5000);
    return () => window.clearInterval(timer);
  }, []);
  if (moved.current.count !== count) moved.current = { count, at: Date.now() };
  const quiet = Date.now() - moved.current.at;
  const words = kinds
    .map(([kind, totals]) => `${t(kind as 'sales')}: ${countOf(totals)}`)
    .join(', ');
  // Read out politely, and not at each step.
  const said = useRef({ words: '', at: 0 });
  if (Date.now() - said.current.at > SAY_MS) said.current = { words, at: Date.now() };
  return (
    <section aria-label={`${t('running')} ${name ?? title}`}>
      <Stack gap={6}>
        <Text fw={650}>
          <StatusPill meaning={MEANINGS[run.state]} word={t(run.state)} />{' '}
          <Foreign>{name ?? title}</Foreign>
        </Text>
        {kinds.map(([kind, totals]) => {
          const percent = percentOf(totals);
          return (
            <div key={kind}>
              <Text
                fz={12}
                component="div"
                style={{ display: 'flex', justifyContent: 'space-between' }}
              >
                <span>{t(kind as 'sales')}</span>
                <span>{countOf(totals)}</span>
              </Text>
              {percent !== undefined && (
                <Progress.Root size="sm">
                  <Progress.Section
                    value={percent}
                    aria-label={t('progressOf', { kind: t(kind as 'sales'), name: name ?? title })}
                  />
                </Progress.Root>
              )}
            </div>
          );
        })}
        {quiet > QUIET_MS && isLive(run) && (
          <Text c="dimmed" fz={12}>
            {run.retries > 0
              ? t('quiet', { s: Math.round(quiet / 1000), title })
              : t('quietPlain', { s: Math.round(quiet / 1000) })}
          </Text>
        )}
        <span role="status" className="unseen">
          {said.current.words}
        </span>
      </Stack>
    </section>
  );
}

function countOf(totals: Run['streams'][string]): string {
  if (totals.done) return t('done', { n: totals.fetched });
  if (totals.expected && totals.expected >= totals.fetched) {
    return t('ofExpected', { n: totals.fetched, of: totals.expected });
  }
  return totals.pages === 0 ? t('notBegun') : t('soFar', { n: totals.fetched });
}
