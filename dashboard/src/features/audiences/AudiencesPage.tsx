import { Anchor, Button, Text } from '@mantine/core';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAccount, useFormat } from '../../app/account';
import { every } from '../../app/queries';
import { DataList, Table } from '../../components/DataList';
import { formatSpan } from '../../components/format';
import { Go } from '../../components/Go';
import { type Meaning, StatusPill } from '../../components/Meaning';
import { Empty, ProblemNotice } from '../../components/Notice';
import { Page, Panel } from '../../components/Page';
import { Fence, Part, Skeletons } from '../../components/Part';
import { PlatformSymbol } from '../../components/Platform';
import { LocalTime } from '../../components/Text';
import { FreezeDialog } from '../freezing/FreezeDialog';
import { cardsQuery, type Summary } from '../integrations/queries';
import { pillOf, standsStill } from '../integrations/state';
import { t } from './words';

type Run = Schemas['AudienceRunAnswer'];

const MEANINGS: Record<Run['state'], Meaning> = {
  queued: 'busy',
  running: 'busy',
  done: 'good',
  failed: 'bad',
};
const alive = (run: Run) => run.state === 'queued' || run.state === 'running';

export function AudiencesPage() {
  const account = useAccount();
  const format = useFormat();
  const cache = useQueryClient();
  const enabled = account.may('audiences:read');
  const key = [account.uid, 'audience-runs'];
  const runs = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) =>
      call('get', '/api/accounts/{uid}/audience-runs', {
        path: { uid: account.uid },
        query: { limit: 10, cursor: pageParam },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    enabled,
    refetchInterval: (query) => {
      const any = query.state.data?.pages[0]?.items.some(alive) ?? false;
      return every(any ? 2000 : 60_000)(query);
    },
  });
  const start = useMutation({
    mutationFn: () =>
      call('post', '/api/accounts/{uid}/audience-runs', { path: { uid: account.uid } }),
    onSettled: () => cache.invalidateQueries({ queryKey: key }),
  });
  const all = runs.data?.pages.flatMap((page) => page.items) ?? [];
  const latest = all.find((run) => run.state === 'done');
  return (
    <Page
      title={t('title')}
      intro={t('intro')}
      right="audiences:read"
      actions={
        account.may('audiences:write') && (
          <Button
            loading={start.isPending}
            disabled={all.some(alive)}
            onClick={() => start.mutate()}
            className="primary-act"
          >
            {t('runNow')}
          </Button>
        )
      }
    >
      {start.error && <ProblemNotice error={start.error} />}
      {!runs.data && !runs.error && enabled && <Skeletons lines={6} />}
      {latest && (
        <Panel title={t('audiences')} id="audiences" padded={false}>
          <Text c="dimmed" px="md" pb="xs">
            {latest.as_of && t('asOf', { at: format.instant(latest.as_of) })}
          </Text>
          <Table
            caption={t('audiences')}
            rows={latest.audiences}
            rowKey={(audience) => audience.name}
            columns={[
              { key: 'name', title: t('audience'), cell: (audience) => t(audience.name) },
              {
                key: 'total',
                title: t('people'),
                number: true,
                cell: (audience) => format.number(audience.total),
              },
            ]}
          />
        </Panel>
      )}
      {(runs.data || runs.error) && (
        <Panel title={t('runs')} id="runs" padded={false}>
          <DataList
            caption={t('runs')}
            query={runs}
            rowKey={(run) => run.id}
            empty={<Empty>{t('empty')}</Empty>}
            columns={[
              {
                key: 'started',
                title: t('started'),
                cell: (run) => <LocalTime at={run.started_at ?? run.requested_at} both />,
              },
              {
                key: 'outcome',
                title: t('outcome'),
                cell: (run) => <StatusPill meaning={MEANINGS[run.state]} word={t(run.state)} />,
              },
              { key: 'why', title: t('trigger'), cell: (run) => t(run.trigger) },
              {
                key: 'personas',
                title: t('people'),
                number: true,
                label: true,
                cell: (run) => format.number(run.personas),
              },
              {
                key: 'drifted',
                title: t('drifted'),
                number: true,
                label: true,
                cell: (run) => format.number(run.drifted),
              },
              {
                key: 'took',
                title: t('took'),
                number: true,
                label: true,
                cell: (run) =>
                  run.started_at && run.ended_at
                    ? formatSpan(Date.parse(run.ended_at) - Date.parse(run.started_at))
                    : '—',
              },
            ]}
          />
        </Panel>
      )}
      {runs.data && account.may('integrations:read') && (
        <Fence>
          <Backups />
        </Fence>
      )}
    </Page>
  );
}

function Backups() {
  const account = useAccount();
  const cards = useQuery(cardsQuery(account.uid));
  return (
    <Panel title={t('backups')} id="backups" padded={false}>
      <Part query={cards}>
        {(said) =>
          said.items.every((card) => card.state === 'draft') ? (
            <Empty
              action={
                <Anchor component={Go} to={`/a/${account.uid}/settings/integrations`}>
                  {t('toIntegrations')}
                </Anchor>
              }
            >
              {t('noSources')}
            </Empty>
          ) : (
            <Table
              caption={t('backups')}
              rows={said.items.filter((card) => card.state !== 'draft')}
              rowKey={(card) => card.platform}
              columns={[
                {
                  key: 'source',
                  title: t('source'),
                  cell: (card) => (
                    <>
                      <PlatformSymbol platform={card.platform} size={24} /> {card.title}
                    </>
                  ),
                },
                {
                  key: 'newest',
                  title: t('backupsOf'),
                  whole: true,
                  cell: (card) => <Newest card={card} />,
                },
                {
                  key: 'state',
                  title: t('state'),
                  cell: (card) => <StatusPill {...pillOf(card)} />,
                },
                { key: 'freeze', title: t('freeze'), cell: (card) => <FreezeButton card={card} /> },
              ]}
            />
          )
        }
      </Part>
    </Panel>
  );
}

function Newest({ card }: { card: Summary }) {
  const account = useAccount();
  const format = useFormat();
  const backups = useQuery({
    queryKey: [account.uid, 'backups', card.platform],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/integrations/{platform}/backups', {
        path: { uid: account.uid, platform: card.platform },
        signal,
      }),
  });
  const newest = backups.data?.items[0];
  if (!newest) {
    return (
      <div className="newest">
        {backups.isPending ? <Skeletons lines={1} height={20} /> : t('none')}
      </div>
    );
  }
  return (
    <div className="newest">
      <LocalTime at={newest.made_at} both /> ·{' '}
      {t('holds', { c: newest.customers, s: newest.sales })}
      {' · '}
      {format.number(Math.max(1, Math.round(newest.size / 1024)))} KB · {t(newest.state)}
      {newest.pinned && ` · ${t('pinned')}`}
    </div>
  );
}

function FreezeButton({ card }: { card: Summary }) {
  const account = useAccount();
  const [open, setOpen] = useState(false);
  if (!account.may('settings:write') || card.state === 'disconnected') return <>—</>;
  return (
    <>
      <Button
        variant="default"
        size="xs"
        disabled={card.state === 'freezing' || card.state === 'unfreezing'}
        aria-label={`${t(standsStill(card.state) ? 'unfreeze' : 'freeze')} ${card.title}`}
        onClick={() => setOpen(true)}
      >
        {t(standsStill(card.state) ? 'unfreeze' : 'freeze')}
      </Button>
      {open && (
        <FreezeDialog
          platform={card.platform}
          title={card.title}
          state={card.state}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}
