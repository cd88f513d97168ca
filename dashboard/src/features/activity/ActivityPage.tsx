import { Group, Select, TextInput } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { call, type Schemas } from '../../api/client';
import { useAccount, useFormat } from '../../app/account';
import { DataList } from '../../components/DataList';
import { UNKNOWN } from '../../components/format';
import { usePlatforms } from '../../components/grid';
import { Empty } from '../../components/Notice';
import { Page, Panel } from '../../components/Page';
import { Foreign, LocalTime } from '../../components/Text';
import { cardsQuery } from '../integrations/queries';
import { linesOf } from './change';
import { actOf, t } from './words';

type Entry = Schemas['AuditAnswer'];

const SUBJECTS = ['account', 'store', 'user', 'persona', 'discount', 'loyalty', 'texting'] as const;

export function ActivityPage() {
  const account = useAccount();
  const { uid } = account;
  const navigate = useNavigate();
  const filters = useSearch({ strict: false }) as Partial<
    Record<'actor' | 'subject' | 'from' | 'to', string>
  >;
  const query = useInfiniteQuery({
    queryKey: [uid, 'activity', filters],
    queryFn: ({ pageParam, signal }) =>
      call('get', '/api/accounts/{uid}/audit', {
        path: { uid },
        query: { limit: 50, cursor: pageParam, ...filters },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });
  // Whoever stands in what is shown may be chosen; only Owners may list the team.
  const people = new Map<string, string>();
  for (const entry of query.data?.pages.flatMap((page) => page.items) ?? []) {
    people.set(entry.actor, entry.actor_name);
  }
  if (filters.actor && !people.has(filters.actor)) people.set(filters.actor, t('chosenPerson'));
  const cards = useQuery({
    ...cardsQuery(uid),
    enabled: account.may('integrations:read'),
  });
  const subjects = [
    ...SUBJECTS.map((value) => ({ value: value as string, label: t(`of_${value}`) })),
    ...(cards.data?.items ?? []).map((card) => ({ value: card.platform, label: card.title })),
  ];
  const filter = (change: Partial<typeof filters>) =>
    void navigate({ to: '.', search: { ...filters, ...change } as never, replace: true });
  const narrowed = Object.values(filters).some(Boolean);
  return (
    <Page title={t('title')} intro={t('intro')} right="audit:read">
      <Group gap="md" align="flex-end" className="filters">
        <Select
          label={t('who')}
          clearable
          searchable
          placeholder={t('everybody')}
          data={[...people].map(([value, label]) => ({ value, label }))}
          value={filters.actor ?? null}
          onChange={(value) => filter({ actor: value ?? undefined })}
        />
        <Select
          label={t('subject')}
          clearable
          placeholder={t('everything')}
          data={subjects}
          value={filters.subject ?? null}
          onChange={(value) => filter({ subject: value ?? undefined })}
        />
        {(['from', 'to'] as const).map((end) => (
          <TextInput
            key={end}
            type="date"
            label={t(end)}
            value={filters[end] ?? ''}
            onChange={(event) => filter({ [end]: event.currentTarget.value || undefined })}
          />
        ))}
      </Group>
      <Panel padded={false}>
        <DataList
          query={query}
          caption={t('title')}
          clear={narrowed ? () => void navigate({ to: '.', search: {} as never }) : undefined}
          rowKey={(entry) => `${entry.at} ${entry.action} ${entry.subject}`}
          empty={<Empty>{t('empty')}</Empty>}
          columns={[
            {
              key: 'when',
              title: t('when'),
              whole: true,
              cell: (entry) => <LocalTime at={entry.at} both />,
            },
            { key: 'what', title: t('what'), cell: (entry) => <What entry={entry} /> },
            { key: 'who', title: t('who'), label: true, cell: (entry) => <Who entry={entry} /> },
            {
              key: 'change',
              title: t('change'),
              whole: true,
              cell: (entry) => <Change entry={entry} />,
            },
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
  // The act names the kind of thing already; a POS is named by its title.
  const of = entry.subject.split(':')[0];
  const platforms = usePlatforms();
  const subject = entry.subject_name ?? platforms.find((each) => each.platform === of)?.title;
  return (
    <>
      {actOf(entry.action)}
      {subject && (
        <>
          {' · '}
          <Foreign>{subject}</Foreign>
        </>
      )}
    </>
  );
}

function Change({ entry }: { entry: Entry }) {
  const lines = linesOf(entry.before ?? {}, entry.after ?? {}, useFormat());
  if (lines.length === 0) return <>{t('none')}</>;
  return (
    <ul style={{ margin: 0, paddingInlineStart: 16 }}>
      {lines.map((line) => (
        <li key={line.name}>
          {line.name}:{' '}
          {line.before !== UNKNOWN && (
            <>
              <Foreign most={40}>{line.before}</Foreign> →{' '}
            </>
          )}
          <Foreign most={40}>{line.after}</Foreign>
        </li>
      ))}
    </ul>
  );
}
