import { Anchor, Button, Group, Select, Switch, Text, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useRouterState, useSearch } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { call } from '../../api/client';
import { useAccount, useFormat } from '../../app/account';
import { useColumns } from '../../components/ColumnChooser';
import { DataList } from '../../components/DataList';
import { cut } from '../../components/format';
import { Go } from '../../components/Go';
import { Empty } from '../../components/Notice';
import { Page } from '../../components/Page';
import { OWN_SOURCES, titleOfSource } from '../../components/source';
import { LocalTime, OneLine } from '../../components/Text';
import { cardsQuery } from '../integrations/queries';
import { ExportDialog } from '../privacy/ExportDialog';
import { storesQuery } from '../stores/queries';
import {
  type Consent,
  isOfLastRun,
  type Kind,
  kindOf,
  type Listed,
  nameOf,
  personasQuery,
  type Sort,
} from './queries';
import { t } from './words';

const CONSENTS: Consent[] = ['opted_in', 'requested', 'opted_out', 'unknown'];
const SORTS: Sort[] = ['inserted', 'name', 'points', 'last_purchase'];
const KINDS: Kind[] = ['phone', 'email', 'name', 'contact_id', 'source_id'];

export function PersonasPage() {
  const account = useAccount();
  const format = useFormat();
  const navigate = useNavigate();
  const state = useRouterState({ select: (now) => now.location.state as { typed?: string } });
  const search = useSearch({ strict: false }) as Partial<
    Record<'source' | 'is' | 'sort' | 'store' | 'consent', string>
  >;
  const [exporting, setExporting] = useState(false);
  const [typed, setTyped] = useState(state.typed ?? '');
  const [kind, setKind] = useState<Kind>();
  const [asked, setAsked] = useState<{ kind: Kind; typed: string } | undefined>(
    state.typed ? { kind: kindOf(state.typed), typed: state.typed } : undefined,
  );
  const filters = {
    member: search.is === 'member',
    source: search.source,
    store: search.store,
    consent: CONSENTS.find((each) => each === search.consent),
    sort: SORTS.find((each) => each === search.sort) ?? 'inserted',
    ...asked,
  };
  const ofLastRun = isOfLastRun(filters);
  const enabled = account.may('personas:read');
  const personas = useInfiniteQuery({ ...personasQuery(account.uid, filters), enabled });
  const cards = useQuery({
    ...cardsQuery(account.uid),
    enabled: account.may('integrations:read'),
  });
  const stores = useQuery({ ...storesQuery(account.uid), enabled: account.may('stores:read') });
  const storeNames = new Map((stores.data?.items ?? []).map((store) => [store.id, store.name]));
  const platforms = (cards.data?.items ?? []).map((card) => card.platform as string);
  const filter = (change: Record<string, string | undefined>) =>
    void navigate({ to: '.', search: { ...search, ...change } as never, replace: true });

  function submit(event: FormEvent) {
    event.preventDefault();
    const text = typed.trim();
    setAsked(text ? { kind: kind ?? kindOf(text), typed: text } : undefined);
  }
  function clear() {
    setTyped('');
    setKind(undefined);
    setAsked(undefined);
    filter({ source: undefined, is: undefined, store: undefined, consent: undefined });
  }
  const narrowed = filters.member || filters.source || filters.store || filters.consent;
  const run = personas.data?.pages[0];

  const { columns, chooser } = useColumns<Listed>('personas', [
    {
      key: 'name',
      title: t('name'),
      cell: (persona) => (
        <Anchor component={Go} to={`/a/${account.uid}/personas/${persona.id}`} fw={600}>
          <OneLine>{nameOf(persona) || t('unnamed')}</OneLine>
        </Anchor>
      ),
    },
    {
      key: 'points',
      title: t('points'),
      number: true,
      label: true,
      cell: (persona) => format.points(persona.points),
    },
    {
      key: 'phone',
      title: t('phone'),
      cell: (persona) => <bdi className="short">{persona.phone ?? '—'}</bdi>,
    },
    {
      key: 'email',
      title: t('email'),
      cell: (persona) => <OneLine>{persona.email}</OneLine>,
    },
    {
      key: 'sources',
      title: t('sourcedFrom'),
      cell: (persona) => persona.sources.map(titleOfSource).join(', '),
    },
    {
      key: 'favourite',
      title: t('favourite'),
      cell: (persona) => (
        <OneLine>
          {persona.favourite_store === null
            ? null
            : (storeNames.get(persona.favourite_store) ?? String(persona.favourite_store))}
        </OneLine>
      ),
    },
    {
      key: 'member',
      title: t('member'),
      label: true,
      cell: (persona) => t(persona.member ? 'yes' : 'no'),
    },
    {
      key: 'texting',
      title: t('texting'),
      label: true,
      cell: (persona) => <span className="short">{t(`short_${persona.consent}`)}</span>,
    },
    filters.sort === 'last_purchase'
      ? {
          key: 'purchase',
          title: t('lastPurchase'),
          cell: (persona) => format.day(persona.last_purchase),
        }
      : {
          key: 'seen',
          title: t('firstSeen'),
          cell: (persona) => <LocalTime at={persona.inserted_at} />,
        },
  ]);

  return (
    <Page
      title={t('title')}
      right="personas:read"
      actions={
        account.may('personas:export') && (
          <Button variant="default" onClick={() => setExporting(true)}>
            {t('exportCsv')}
          </Button>
        )
      }
    >
      <form onSubmit={submit}>
        <Group gap="xs" align="flex-end">
          <TextInput
            label={t('searchLabel')}
            placeholder={t('searchHint')}
            leftSection={<IconSearch size={16} aria-hidden />}
            value={typed}
            maxLength={320}
            onChange={(event) => setTyped(event.currentTarget.value)}
            style={{ flex: '1 1 260px' }}
          />
          <Select
            label={t('kind')}
            w={130}
            allowDeselect={false}
            data={KINDS.map((each) => ({ value: each, label: t(each) }))}
            value={kind ?? kindOf(typed)}
            onChange={(value) => setKind((value as Kind | null) ?? undefined)}
          />
          <Button type="submit" variant="default">
            {t('find')}
          </Button>
          {asked && (
            <Button variant="subtle" onClick={clear}>
              {t('clear')}
            </Button>
          )}
        </Group>
      </form>
      <Group gap="md" align="flex-end" className="filters">
        <Select
          label={t('sourcedFrom')}
          placeholder={t('anySource')}
          clearable
          data={[
            ...new Set([...platforms, ...OWN_SOURCES, ...(search.source ? [search.source] : [])]),
          ].map((source) => ({ value: source, label: titleOfSource(source) }))}
          value={search.source ?? null}
          onChange={(value) => filter({ source: value ?? undefined })}
        />
        {account.may('stores:read') && (
          <Select
            label={t('favourite')}
            placeholder={t('anyStore')}
            clearable
            searchable
            data={(stores.data?.items ?? []).map((store) => ({
              value: String(store.id),
              label: cut(store.name, 40),
            }))}
            value={search.store ?? null}
            disabled={asked !== undefined}
            onChange={(value) => filter({ store: value ?? undefined })}
          />
        )}
        <Select
          label={t('texting')}
          placeholder={t('anyConsent')}
          clearable
          data={CONSENTS.map((value) => ({ value, label: t(value) }))}
          value={filters.consent ?? null}
          disabled={asked !== undefined}
          onChange={(value) => filter({ consent: value ?? undefined })}
        />
        <Select
          label={t('sort')}
          allowDeselect={false}
          data={SORTS.map((value) => ({ value, label: t(`by_${value}`) }))}
          value={filters.sort}
          disabled={asked !== undefined}
          onChange={(value) => filter({ sort: value === 'inserted' ? undefined : (value ?? '') })}
        />
        {chooser}
        <Switch
          label={t('onlyMembers')}
          checked={filters.member}
          pb={8}
          onChange={(event) => filter({ is: event.currentTarget.checked ? 'member' : undefined })}
        />
      </Group>
      {ofLastRun && run && (
        <Text c="dimmed" role="status">
          {run.as_of
            ? t('totalAsOf', { n: run.total ?? 0, at: format.instant(run.as_of) })
            : t('notCounted')}
        </Text>
      )}
      <div className="panel">
        <DataList
          caption={t('title')}
          query={personas}
          rowKey={(persona) => persona.id}
          linked
          clear={!asked && narrowed ? clear : undefined}
          empty={
            asked ? (
              <Empty>{t(`none_${asked.kind}`)}</Empty>
            ) : (
              <Empty
                action={
                  account.may('integrations:read') ? (
                    <Anchor component={Go} to={`/a/${account.uid}/settings/integrations`}>
                      {t('toIntegrations')}
                    </Anchor>
                  ) : undefined
                }
              >
                {t('empty')}
              </Empty>
            )
          }
          columns={columns}
        />
      </div>
      {exporting && (
        <ExportDialog
          title={t('exportCsv')}
          text={t(asked ? 'exportAll' : 'exportText')}
          onClose={() => setExporting(false)}
          begin={() =>
            call('post', '/api/accounts/{uid}/exports', {
              path: { uid: account.uid },
              body: {
                list: filters.member ? 'members' : 'personas',
                filters: {
                  store: filters.store ? Number(filters.store) : null,
                  consent: filters.consent ?? null,
                  source: filters.source ?? null,
                  flag: null,
                },
              },
            })
          }
        />
      )}
    </Page>
  );
}
