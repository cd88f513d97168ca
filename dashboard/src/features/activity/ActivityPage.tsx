import { useInfiniteQuery } from '@tanstack/react-query';
import { call, type Schemas } from '../../api/client';
import { useUid } from '../../app/account';
import { DataList } from '../../components/DataList';
import { Empty } from '../../components/Notice';
import { Page, Panel } from '../../components/Page';
import { Foreign, LocalTime } from '../../components/Text';
import { actOf, t } from './words';

type Entry = Schemas['AuditAnswer'];

export function ActivityPage() {
  const uid = useUid();
  const query = useInfiniteQuery({
    queryKey: [uid, 'activity'],
    queryFn: ({ pageParam, signal }) =>
      call('get', '/api/accounts/{uid}/audit', {
        path: { uid },
        query: { limit: 50, cursor: pageParam },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });
  return (
    <Page title={t('title')} intro={t('intro')} right="audit:read">
      <Panel padded={false}>
        <DataList
          query={query}
          caption={t('title')}
          rowKey={(entry) => `${entry.at} ${entry.action} ${entry.subject}`}
          empty={<Empty>{t('empty')}</Empty>}
          columns={[
            { key: 'when', title: t('when'), cell: (entry) => <LocalTime at={entry.at} both /> },
            { key: 'who', title: t('who'), label: true, cell: (entry) => <Who entry={entry} /> },
            { key: 'what', title: t('what'), cell: (entry) => <What entry={entry} /> },
            { key: 'change', title: t('change'), cell: (entry) => <Change entry={entry} /> },
          ]}
        />
      </Panel>
    </Page>
  );
}

function Who({ entry }: { entry: Entry }) {
  return <Foreign>{entry.actor_name}</Foreign>;
}

function What({ entry }: { entry: Entry }) {
  const subject = entry.subject_name ?? entry.subject.split(':')[0];
  return (
    <>
      {actOf(entry.action)}
      {subject && subject !== 'account' && subject !== 'texting' && (
        <>
          {' · '}
          <Foreign>{subject}</Foreign>
        </>
      )}
    </>
  );
}

function Change({ entry }: { entry: Entry }) {
  const before = entry.before ?? {};
  const after = entry.after ?? {};
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].slice(0, 8);
  if (names.length === 0) return <>{t('none')}</>;
  return (
    <ul style={{ margin: 0, paddingInlineStart: 16 }}>
      {names.map((name) => (
        <li key={name}>
          {name.replace(/_/g, ' ')}: <Foreign most={40}>{textOf(before[name])}</Foreign> →{' '}
          <Foreign most={40}>{textOf(after[name])}</Foreign>
        </li>
      ))}
    </ul>
  );
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return t('none');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
