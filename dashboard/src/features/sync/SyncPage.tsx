import { Stack, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useAccount, useFormat } from '../../app/account';
import { DataList, Table } from '../../components/DataList';
import { Empty } from '../../components/Notice';
import { Page, Panel } from '../../components/Page';
import { Part } from '../../components/Part';
import { Foreign, LocalTime, Said } from '../../components/Text';
import { cardQuery } from '../integrations/queries';
import { t as card } from '../integrations/words';
import { runQuery, setAsideQuery } from './queries';
import { FailureOf, ProgressOfSync, tookOf } from './Syncs';
import { t } from './words';

/** One sync: what it brought, how it ended, and every record it set aside with the reason. */
export function SyncPage() {
  const account = useAccount();
  const format = useFormat();
  const { platform = '', sync = '' } = useParams({ strict: false }) as {
    platform?: string;
    sync?: string;
  };
  const enabled = account.may('runs:read');
  const run = useQuery({ ...runQuery(account.uid, platform, sync), enabled });
  const integration = useQuery({ ...cardQuery(account.uid, platform), enabled });
  const aside = useInfiniteQuery({ ...setAsideQuery(account.uid, platform, sync), enabled });
  const name = integration.data?.title ?? platform;
  const title = run.data ? t('syncTitle', { at: format.instant(run.data.queued_at) }) : t('title');
  const base = `/a/${account.uid}/settings/integrations`;
  return (
    <Page
      title={title}
      crumbs={[
        { label: card('settings') },
        { label: card('title'), to: base },
        { label: name, to: `${base}/${platform}` },
        { label: t('title') },
      ]}
      right="runs:read"
    >
      <Part query={run} title={name}>
        {(said) => (
          <Stack gap="lg">
            <FailureOf run={said} title={name} />
            {said.ended_at === null && <ProgressOfSync run={said} title={name} />}
            <Panel title={t('summary')} id="summary" padded={false}>
              <Text px="md" pb="sm" c="dimmed">
                {t(said.state)} · {t(said.trigger)} · <LocalTime at={said.queued_at} both /> ·{' '}
                {tookOf(said)} · {t('requests', { n: said.requests, m: said.retries })}
                <br />
                {t('linked', { n: said.sales_linked, m: said.sales_unlinked })}{' '}
                {said.members_left > 0 && t('left', { n: said.members_left })}{' '}
                {said.began_over.length > 0 &&
                  t('beganOver', { kinds: said.began_over.map((kind) => t(kind)).join(', ') })}
              </Text>
              <Table
                caption={t('summary')}
                rows={Object.entries(said.streams)}
                rowKey={([kind]) => kind}
                columns={[
                  { key: 'kind', title: t('kind'), cell: ([kind]) => t(kind as 'sales') },
                  ...(['fetched', 'new', 'changed', 'unchanged', 'set_aside'] as const).map(
                    (what) => ({
                      key: what,
                      title: t(what === 'set_aside' ? 'setAside' : what),
                      number: true,
                      label: true,
                      cell: ([, totals]: [string, (typeof said.streams)[string]]) =>
                        format.number(totals[what]),
                    }),
                  ),
                ]}
              />
            </Panel>
            <Panel title={t('records')} id="records" padded={false}>
              <DataList
                caption={t('records')}
                query={aside}
                rowKey={(row) => `${row.stream} ${row.number}`}
                empty={<Empty>{t('noneSetAside')}</Empty>}
                columns={[
                  { key: 'kind', title: t('kind'), cell: (row) => t(row.stream) },
                  { key: 'reason', title: t('reason'), cell: (row) => <Said>{row.reason}</Said> },
                  {
                    key: 'field',
                    title: t('field'),
                    cell: (row) => <Foreign>{row.field || '—'}</Foreign>,
                  },
                  {
                    key: 'id',
                    title: t('id'),
                    cell: (row) => <Foreign most={40}>{row.ext_id}</Foreign>,
                  },
                  {
                    key: 'sent',
                    title: t('sent'),
                    cell: (row) => (
                      <details>
                        <summary>{t('sent')}</summary>
                        <pre dir="auto" className="sent">
                          {JSON.stringify(row.row, null, 2)}
                        </pre>
                      </details>
                    ),
                  },
                ]}
              />
            </Panel>
          </Stack>
        )}
      </Part>
    </Page>
  );
}
