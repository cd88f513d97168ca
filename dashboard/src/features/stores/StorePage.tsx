import { MultiSelect, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type FormEvent, useEffect, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import type { Problem } from '../../api/problem';
import { useAccount, useFormat, useReasons } from '../../app/account';
import { ConflictDialog, isStale } from '../../components/Conflict';
import { Cancelled } from '../../components/Draft';
import { cut } from '../../components/format';
import { usePlatforms } from '../../components/grid';
import { Strip } from '../../components/Meaning';
import { ProblemNotice } from '../../components/Notice';
import { Page, Panel } from '../../components/Page';
import { Part } from '../../components/Part';
import { PlatformSymbol } from '../../components/Platform';
import { SaveBar } from '../../components/SaveBar';
import { CopyField } from '../../components/Text';
import { t as common } from '../../components/words';
import { ProgressOfJob } from '../changes/ProgressOfJob';
import { useCounted } from '../changes/useCounted';
import { cardsQuery } from '../integrations/queries';
import { holderOf } from './mappings';
import {
  inOrder,
  type Store,
  type StoreKey,
  storeKeysQuery,
  storeQuery,
  storesQuery,
  titleOfKey,
} from './queries';
import { Taken } from './Taken';
import { t } from './words';

const FIELDS = ['name', 'nickname', 'address', 'state', 'country', 'time_zone', 'phone'] as const;
type Values = Record<(typeof FIELDS)[number], string>;
/** What can move people or points: counted before it is saved. */
const DECIDING = ['time_zone', 'state'];
const LABELS: Values = {
  name: t('name'),
  nickname: t('nickname'),
  address: t('address'),
  state: t('state'),
  country: t('country'),
  time_zone: t('zone'),
  phone: t('phone'),
};

export function StorePage() {
  const account = useAccount();
  const { store: id = '' } = useParams({ strict: false }) as { store?: string };
  const enabled = account.may('stores:read');
  const store = useQuery({ ...storeQuery(account.uid, id), enabled });
  const keys = useQuery({ ...storeKeysQuery(account.uid), enabled });
  const title = store.data?.name ?? t('title');
  const base = `/a/${account.uid}/settings/stores`;
  return (
    <Page
      title={title}
      crumbs={[
        { label: t('settings') },
        { label: t('company') },
        { label: t('title'), to: base },
        { label: cut(title) },
      ]}
      right="stores:read"
    >
      <Part query={store}>
        {(said) => (
          <Part query={keys}>{(all) => <Form key={said.id} store={said} keys={all.items} />}</Part>
        )}
      </Part>
    </Page>
  );
}

function valuesOf(store: Store): Values {
  return {
    name: store.name,
    nickname: store.nickname,
    address: store.address,
    state: store.state,
    country: store.country,
    time_zone: store.time_zone ?? '',
    phone: store.phone,
  };
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each) => b.includes(each));
}

const BETWEEN = '\n';
const joined = (ids: readonly string[]) => [...ids].sort().join(BETWEEN);

function titlesOf(ids: string, keys: readonly StoreKey[]): string {
  const titles = keys.filter((key) => ids.split(BETWEEN).includes(key.id)).map(titleOfKey);
  return titles.map((title) => cut(title, 60)).join(', ') || '—';
}

function Form({ store, keys }: { store: Store; keys: StoreKey[] }) {
  const account = useAccount();
  const cache = useQueryClient();
  const mine = keys.filter((key) => key.store === store.id).map((key) => key.id);
  const [began, setBegan] = useState({ store, mine });
  const [values, setValues] = useState(valuesOf(store));
  const [chosen, setChosen] = useState<string[]>(mine);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [half, setHalf] = useState(false);
  const [saved, setSaved] = useState<string>();
  const [job, setJob] = useState<Schemas['JobAnswer']>();
  const { counted, dialog } = useCounted<Store>();
  const [stale, setStale] = useState<{ error: Problem; theirs: Store; keys: string[] }>();
  const before = valuesOf(began.store);
  const changed = FIELDS.filter((field) => values[field] !== before[field]);
  const remapped = !same(chosen, began.mine);
  const dirty = changed.length > 0 || remapped;
  const reasons = useReasons()(error);
  const write = account.may('stores:write');
  const holder = holderOf(error);
  const told = usePlatforms().flatMap((each) => each.store_number ?? []);

  // What came in meanwhile is taken over while nothing was changed here.
  useEffect(() => {
    if (!dirty && store.version !== began.store.version) {
      setBegan({ store, mine });
      setValues(valuesOf(store));
      setChosen(mine);
    }
  }, [dirty, store, mine, began.store.version]);

  async function save(wanted: Values, wantedKeys: string[], on: { store: Store; mine: string[] }) {
    const base = valuesOf(on.store);
    let version = on.store.version;
    setBusy(true);
    setError(undefined);
    setHalf(false);
    setSaved(undefined);
    let now = on.store;
    const path = { uid: account.uid, store: store.id };
    const sent = FIELDS.filter((field) => wanted[field] !== base[field]);
    try {
      if (sent.length > 0) {
        const change = Object.fromEntries(
          sent.map((field) => [
            field,
            field === 'time_zone' && !wanted[field] ? null : wanted[field].trim(),
          ]),
        );
        const patch = (token?: string) =>
          call('patch', '/api/accounts/{uid}/stores/{store}', {
            path,
            version,
            body: token ? { ...change, token } : change,
          });
        const deciding = Object.entries(change).filter(([field]) => DECIDING.includes(field));
        now = await (deciding.length === 0
          ? patch()
          : counted({
              title: t('change', { name: cut(on.store.name, 40) }),
              right: 'stores:write',
              begin: () =>
                call('post', '/api/accounts/{uid}/stores/{store}/preview', {
                  path,
                  body: Object.fromEntries(deciding),
                }),
              save: patch,
            }));
        version = now.version;
      }
      const mapping = !same(wantedKeys, on.mine);
      if (mapping) {
        try {
          const said = await call('put', '/api/accounts/{uid}/stores/{store}/mappings', {
            path,
            version,
            body: { keys: wantedKeys },
          });
          now = { ...now, version: said.version };
          setJob(said.job ?? undefined);
        } catch (failure) {
          setHalf(sent.length > 0);
          throw failure;
        }
      }
      cache.setQueryData(storeQuery(account.uid, String(store.id)).queryKey, now);
      setBegan({ store: now, mine: wantedKeys });
      setChosen(wantedKeys);
      setValues(valuesOf(now));
      setSaved(t(mapping ? 'saved' : 'savedPlain'));
      for (const key of ['stores', 'store-keys', 'notifications', 'personas']) {
        void cache.invalidateQueries({ queryKey: [account.uid, key] });
      }
    } catch (failure) {
      if (failure instanceof Cancelled) return;
      if (isStale(failure)) {
        try {
          const [theirs, mapping] = await Promise.all([
            call('get', '/api/accounts/{uid}/stores/{store}', { path }),
            call('get', '/api/accounts/{uid}/stores/{store}/mappings', { path }),
          ]);
          // The mapping is of this version of the store, or a later one that refuses it again.
          setStale({ error: failure, theirs, keys: mapping.keys.map((key) => key.id) });
        } catch (unread) {
          setError(unread);
        }
      } else {
        if (now.version !== on.store.version) setBegan({ store: now, mine: on.mine });
        setError(failure);
        // Whose a key is by now, so that it is shown as taken.
        void cache.invalidateQueries({ queryKey: [account.uid, 'store-keys'] });
      }
    } finally {
      setBusy(false);
    }
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    if (!dirty || busy) return;
    if (!values.name.trim()) {
      setError(undefined);
      document.getElementById('store-name')?.focus();
      return;
    }
    void save(values, chosen, began);
  }

  return (
    <form onSubmit={submit} noValidate>
      {dialog}
      <Stack gap="lg">
        <Strip
          meaning="idle"
          action={
            <CopyField value={String(store.id)} label={t('dataLabel')} asButton={common('copy')} />
          }
        >
          {[t('data', { n: store.id }), ...told].join(': ')}
        </Strip>
        <Panel>
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            {FIELDS.map((field) => (
              <TextInput
                key={field}
                id={`store-${field}`}
                label={LABELS[field]}
                description={field === 'time_zone' ? t('zoneHelp') : undefined}
                inputWrapperOrder={['label', 'input', 'description', 'error']}
                value={values[field]}
                readOnly={!write}
                maxLength={field === 'address' ? 500 : 200}
                error={
                  reasons[field] ??
                  (field === 'name' && !values.name.trim() ? t('nameNeeded') : undefined)
                }
                onChange={(event) => setValues({ ...values, [field]: event.currentTarget.value })}
              />
            ))}
          </SimpleGrid>
        </Panel>
        <Panel title={t('mappings')} id="mappings">
          <Mappings
            store={store.id}
            keys={keys}
            chosen={chosen}
            setChosen={setChosen}
            write={write}
          />
        </Panel>
        {saved && (
          <Strip meaning="good" live>
            {saved} {t('repeat')}
          </Strip>
        )}
        {half && <Strip meaning="warn">{t('halfSaved')}</Strip>}
        {job && <ProgressOfJob key={job.id} job={job} />}
        {holder ? (
          <Taken holder={holder} />
        ) : (
          error !== undefined && <ProblemNotice error={error} />
        )}
        {write && (
          <SaveBar
            dirty={dirty}
            busy={busy}
            label={t('save')}
            onDiscard={() => {
              setValues(before);
              setChosen(began.mine);
              setError(undefined);
            }}
          />
        )}
      </Stack>
      {stale && (
        <ConflictDialog
          error={stale.error}
          fields={[
            ...FIELDS.map((key) => ({ key, label: LABELS[key] })),
            { key: 'keys', label: t('mappings'), show: (ids) => titlesOf(ids, keys) },
          ]}
          before={{ ...before, keys: joined(began.mine) }}
          theirs={{ ...valuesOf(stale.theirs), keys: joined(stale.keys) }}
          yours={{ ...values, keys: joined(chosen) }}
          onClose={() => setStale(undefined)}
          onDiscard={() => {
            setStale(undefined);
            setBegan({ store: stale.theirs, mine: stale.keys });
            setValues(valuesOf(stale.theirs));
            setChosen(stale.keys);
            void cache.invalidateQueries({ queryKey: [account.uid, 'store-keys'] });
          }}
          onSave={({ keys: ids = '', ...wanted }) => {
            const on = { store: stale.theirs, mine: stale.keys };
            const wantedKeys = ids ? ids.split(BETWEEN) : [];
            setStale(undefined);
            setBegan(on);
            setValues(wanted as Values);
            setChosen(wantedKeys);
            void save(wanted as Values, wantedKeys, on);
          }}
        />
      )}
    </form>
  );
}

interface MappingsProps {
  store: number;
  keys: StoreKey[];
  chosen: string[];
  setChosen: (ids: string[]) => void;
  write: boolean;
}

/** One row per connected platform: its symbol, then a field that takes its keys. */
function Mappings({ store, keys, chosen, setChosen, write }: MappingsProps) {
  const account = useAccount();
  const format = useFormat();
  const cards = useQuery({
    ...cardsQuery(account.uid),
    enabled: account.may('integrations:read'),
  });
  const stores = useQuery(storesQuery(account.uid));
  const names = new Map((stores.data?.items ?? []).map((each) => [each.id, each.name]));
  const titles = new Map((cards.data?.items ?? []).map((card) => [card.platform, card.title]));
  const connected = (cards.data?.items ?? [])
    .filter((card) => card.state !== 'draft')
    .map((card) => card.platform as string);
  const platforms = [...new Set([...connected, ...keys.map((key) => key.platform)])];
  if (platforms.length === 0) return <Text c="dimmed">{t('noKeys')}</Text>;
  return (
    <Stack gap="md">
      {platforms.map((platform) => {
        const theirs = inOrder(
          keys.filter((key) => key.platform === platform),
          store,
        );
        const ids = theirs.map((key) => key.id);
        const byId = new Map(theirs.map((key) => [key.id, key]));
        const title = titles.get(platform as never) ?? platform;
        return (
          <div key={platform} className="mapping-row">
            <PlatformSymbol platform={platform} size={36} />
            <MultiSelect
              label={t('keysOf', { title })}
              placeholder={ids.length === 0 ? t('noKeys') : undefined}
              disabled={!write || ids.length === 0}
              searchable
              clearable
              hidePickedOptions
              comboboxProps={{ withinPortal: true }}
              data={theirs.map((key) => ({
                value: key.id,
                label: cut(titleOfKey(key)),
                disabled: key.store !== null && key.store !== store,
              }))}
              renderOption={({ option }) => {
                const key = byId.get(option.value);
                if (!key) return option.label;
                const holder =
                  key.store !== null && key.store !== store ? names.get(key.store) : undefined;
                return (
                  <div>
                    <bdi>{option.label}</bdi>
                    <Text fz={12} c="dimmed">
                      {t('salesSeen', { n: key.sales })} · {format.instant(key.last_seen)}
                      {holder !== undefined && ` · ${t('takenBy', { store: cut(holder, 40) })}`}
                      {key.store === null &&
                        key.suggested_store === store &&
                        ` · ${t('suggested')}`}
                    </Text>
                  </div>
                );
              }}
              value={chosen.filter((id) => byId.has(id))}
              onChange={(picked) => setChosen([...chosen.filter((id) => !byId.has(id)), ...picked])}
            />
          </div>
        );
      })}
      <Text c="dimmed">{t('repeat')}</Text>
    </Stack>
  );
}
