import { Anchor, Button, Group, Select, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useBlocker } from '@tanstack/react-router';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAccount, useFormat } from '../../app/account';
import { isStale } from '../../components/Conflict';
import { Table } from '../../components/DataList';
import { cut } from '../../components/format';
import { Go } from '../../components/Go';
import { Strip } from '../../components/Meaning';
import { Empty, ProblemNotice } from '../../components/Notice';
import { Page, Panel } from '../../components/Page';
import { Part } from '../../components/Part';
import { PlatformSymbol } from '../../components/Platform';
import { Foreign, LocalTime } from '../../components/Text';
import { t as common } from '../../components/words';
import { ProgressOfJob } from '../changes/ProgressOfJob';
import { type Holder, holderOf, requestsOf, takenKey } from './mappings';
import {
  type Store,
  type StoreKey,
  storeKeysQuery,
  storesQuery,
  titleOfKey,
  unmapped,
} from './queries';
import { Taken } from './Taken';
import { t } from './words';

const NEW = 'new';
const SKIP = 'skip';
const NEW_STORE = {
  nickname: '',
  address: '',
  state: '',
  country: '',
  phone: '',
  time_zone: null,
};

/** All keys that wait for a store, on one page: chosen here, saved together. */
export function MatchPage() {
  const account = useAccount();
  const enabled = account.may('stores:write');
  const stores = useQuery({ ...storesQuery(account.uid), enabled });
  const keys = useQuery({ ...storeKeysQuery(account.uid), enabled });
  const base = `/a/${account.uid}/settings/stores`;
  return (
    <Page
      title={t('matchTitle')}
      crumbs={[
        { label: t('settings') },
        { label: t('company') },
        { label: t('title'), to: base },
        { label: t('matchTitle') },
      ]}
      intro={t('matchIntro')}
      right="stores:write"
    >
      <Part query={stores}>
        {(shops) => (
          <Part query={keys}>
            {(said) =>
              said.items.length === 0 ? (
                <Panel>
                  <Empty
                    action={
                      <Anchor component={Go} to={`/a/${account.uid}/settings/integrations`}>
                        {t('toIntegrations')}
                      </Anchor>
                    }
                  >
                    {t('noKeys')}
                  </Empty>
                </Panel>
              ) : (
                <Matching stores={shops.items} keys={unmapped(said.items)} base={base} />
              )
            }
          </Part>
        )}
      </Part>
    </Page>
  );
}

interface Chosen {
  key: string;
  store: number;
}

function Matching({ stores, keys, base }: { stores: Store[]; keys: StoreKey[]; base: string }) {
  const account = useAccount();
  const { uid } = account;
  const format = useFormat();
  const cache = useQueryClient();
  const [choices, setChoices] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [taken, setTaken] = useState<Holder>();
  const [saved, setSaved] = useState(0);
  const [job, setJob] = useState<Schemas['JobAnswer']>();
  const choiceOf = (key: StoreKey) =>
    choices[key.id] ?? (key.suggested_store != null ? String(key.suggested_store) : SKIP);
  const chosen = keys.filter((key) => choiceOf(key) !== SKIP);
  useBlocker({
    shouldBlockFn: () =>
      keys.some((key) => choices[key.id] !== undefined) &&
      !busy &&
      !window.confirm(common('leave')),
    enableBeforeUnload: false,
  });

  /** The store of each chosen key; the new ones are made, and stay chosen whatever comes after. */
  async function storesOf(): Promise<Chosen[]> {
    const each: Chosen[] = [];
    for (const key of chosen) {
      const choice = choiceOf(key);
      let store = Number(choice);
      if (choice === NEW) {
        const body = { ...NEW_STORE, name: cut(key.name || key.key, 100) };
        store = (await call('post', '/api/accounts/{uid}/stores', { path: { uid }, body })).id;
        setChoices((now) => ({ ...now, [key.id]: String(store) }));
      }
      each.push({ key: key.id, store });
    }
    return each;
  }

  async function save() {
    setBusy(true);
    setError(undefined);
    setTaken(undefined);
    setSaved(0);
    let done = 0;
    try {
      // Before a store is made for it: whether somebody else has mapped a key meanwhile.
      const now = await cache.fetchQuery({ ...storeKeysQuery(uid), staleTime: 0 });
      const wanted = chosen.map((key) => ({ key: key.id, store: Number(choiceOf(key)) || null }));
      const mapped = takenKey(wanted, now.items);
      if (mapped) return setTaken(mapped);
      const pairs = await storesOf();
      const shops = await cache.fetchQuery({ ...storesQuery(uid), staleTime: 0 });
      for (const body of requestsOf(pairs, shops.items)) {
        const said = await call('put', '/api/accounts/{uid}/mappings', { path: { uid }, body });
        done += body.items.length;
        setJob(said.job);
      }
    } catch (failure) {
      const holder = holderOf(failure);
      if (holder) setTaken(holder);
      else setError(failure);
    } finally {
      setSaved(done);
      await Promise.all(
        ['stores', 'store-keys', 'notifications', 'personas'].map((name) =>
          cache.invalidateQueries({ queryKey: [uid, name] }),
        ),
      );
      setBusy(false);
    }
  }

  const failed = taken !== undefined || error !== undefined;
  const kept = saved > 0 ? t('partSaved', { n: saved }) : t('nothingSaved');
  return (
    <Stack>
      {saved > 0 && !failed && (
        <Strip meaning="good" live>
          {t('matched', { n: saved })} {t('repeat')}
        </Strip>
      )}
      {job && <ProgressOfJob key={job.id} job={job} />}
      {taken && <Taken holder={taken} kept={kept} />}
      {isStale(error) ? (
        <Strip meaning="warn" live>
          {t('meanwhile')}
        </Strip>
      ) : (
        error !== undefined && (
          <>
            <ProblemNotice error={error} />
            <Text c="dimmed">{kept}</Text>
          </>
        )
      )}
      {keys.length === 0 ? (
        <Panel>
          <Empty
            meaning="good"
            action={
              <Anchor component={Go} to={base}>
                {t('backToStores')}
              </Anchor>
            }
          >
            {t('allMapped')}
          </Empty>
        </Panel>
      ) : (
        <>
          <div className="panel">
            <Table
              caption={t('matchTitle')}
              rows={keys}
              rowKey={(key) => key.id}
              columns={[
                {
                  key: 'key',
                  title: t('key'),
                  whole: true,
                  cell: (key) => (
                    <Group gap="xs" wrap="nowrap">
                      <PlatformSymbol platform={key.platform} size={24} />
                      <span>
                        <Foreign>{titleOfKey(key)}</Foreign>
                      </span>
                    </Group>
                  ),
                },
                {
                  key: 'sales',
                  title: t('sales'),
                  number: true,
                  label: true,
                  cell: (key) => format.number(key.sales),
                },
                {
                  key: 'seen',
                  title: t('lastSeen'),
                  cell: (key) => <LocalTime at={key.last_seen} />,
                },
                {
                  key: 'store',
                  title: t('store'),
                  whole: true,
                  cell: (key) => (
                    <Select
                      aria-label={t('storeFor', { key: cut(titleOfKey(key)) })}
                      searchable
                      allowDeselect={false}
                      w={240}
                      data={[
                        { value: SKIP, label: t('skip') },
                        { value: NEW, label: t('newFrom') },
                        ...stores.map((store) => ({
                          value: String(store.id),
                          label: cut(store.name),
                        })),
                      ]}
                      value={choiceOf(key)}
                      description={
                        key.suggested_store != null && choiceOf(key) === String(key.suggested_store)
                          ? t('suggested')
                          : undefined
                      }
                      inputWrapperOrder={['label', 'input', 'description', 'error']}
                      onChange={(value) => value && setChoices({ ...choices, [key.id]: value })}
                    />
                  ),
                },
              ]}
            />
          </div>
          <Group justify="flex-end" className="save-bar">
            <Text c="dimmed" role="status">
              {t('chosen', {
                n: chosen.length,
                of: keys.length,
                sales: chosen.reduce((sum, key) => sum + key.sales, 0),
              })}
            </Text>
            <Button disabled={chosen.length === 0} loading={busy} onClick={() => void save()}>
              {t('saveMappings', { n: chosen.length })}
            </Button>
          </Group>
        </>
      )}
    </Stack>
  );
}
