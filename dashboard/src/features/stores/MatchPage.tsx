import { Anchor, Button, Group, Select, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../../api/client';
import { useAccount, useFormat } from '../../app/account';
import { Table } from '../../components/DataList';
import { cut } from '../../components/format';
import { Go } from '../../components/Go';
import { Strip } from '../../components/Meaning';
import { Empty } from '../../components/Notice';
import { Page } from '../../components/Page';
import { Part } from '../../components/Part';
import { PlatformSymbol } from '../../components/Platform';
import { Foreign, LocalTime } from '../../components/Text';
import {
  type Store,
  type StoreKey,
  storeKeysQuery,
  storesQuery,
  titleOfKey,
  unmapped,
} from './queries';
import { t } from './words';

const NEW = 'new';
const SKIP = 'skip';

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
            {(said) => <Matching stores={shops.items} keys={unmapped(said.items)} base={base} />}
          </Part>
        )}
      </Part>
    </Page>
  );
}

function Matching({ stores, keys, base }: { stores: Store[]; keys: StoreKey[]; base: string }) {
  const account = useAccount();
  const format = useFormat();
  const cache = useQueryClient();
  const [choices, setChoices] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string[]>([]);
  const [done, setDone] = useState(false);
  const choiceOf = (key: StoreKey) =>
    choices[key.id] ?? (key.suggested_store != null ? String(key.suggested_store) : SKIP);
  const chosen = keys.filter((key) => choiceOf(key) !== SKIP);

  async function save() {
    setBusy(true);
    const wrong: string[] = [];
    const byStore = new Map<number, StoreKey[]>();
    for (const key of chosen) {
      const choice = choiceOf(key);
      try {
        const id =
          choice === NEW
            ? (
                await call('post', '/api/accounts/{uid}/stores', {
                  path: { uid: account.uid },
                  body: {
                    name: cut(key.name || key.key, 100),
                    nickname: '',
                    address: '',
                    state: '',
                    country: '',
                    phone: '',
                    time_zone: null,
                  },
                })
              ).id
            : Number(choice);
        byStore.set(id, [...(byStore.get(id) ?? []), key]);
      } catch (error) {
        wrong.push(t('failedRow', { key: titleOfKey(key), reason: (error as Error).message }));
      }
    }
    for (const [store, added] of byStore) {
      const path = { uid: account.uid, store };
      try {
        const now = await call('get', '/api/accounts/{uid}/stores/{store}/mappings', { path });
        const ids = [...now.keys.map((key) => key.id), ...added.map((key) => key.id)];
        await call('put', '/api/accounts/{uid}/stores/{store}/mappings', {
          path,
          version: now.version,
          body: { keys: ids },
        });
      } catch (error) {
        for (const key of added) {
          wrong.push(t('failedRow', { key: titleOfKey(key), reason: (error as Error).message }));
        }
      }
    }
    await Promise.all(
      ['stores', 'store-keys', 'notifications', 'personas'].map((name) =>
        cache.invalidateQueries({ queryKey: [account.uid, name] }),
      ),
    );
    setFailed(wrong);
    setDone(true);
    setBusy(false);
  }

  return (
    <Stack>
      {done && failed.length === 0 && (
        <Strip meaning="good" live>
          {t('saved')}
        </Strip>
      )}
      {failed.length > 0 && (
        <Strip meaning="bad" live>
          {failed.map((each) => (
            <div key={each}>{each}</div>
          ))}
        </Strip>
      )}
      {keys.length === 0 ? (
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
