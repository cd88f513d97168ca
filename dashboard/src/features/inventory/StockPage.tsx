/** What a POS says each store has in stock: read only, searched, with its age. */

import { Anchor, Button, Group, Select, Switch, Text, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useAccount, useFormat, useNow } from '../../app/account';
import { DataList } from '../../components/DataList';
import { cut } from '../../components/format';
import { Go } from '../../components/Go';
import { StatusPill, Strip } from '../../components/Meaning';
import { Empty } from '../../components/Notice';
import { Page } from '../../components/Page';
import { Part } from '../../components/Part';
import { Foreign, isStale, LocalTime } from '../../components/Text';
import { cardsQuery, flowQuery } from '../integrations/queries';
import { type StoreKey, storeKeysQuery, storesQuery } from '../stores/queries';
import { amountOf, shopsOf, stockQuery } from './queries';
import { t } from './words';

export function StockPage() {
  const account = useAccount();
  const { platform = '' } = useParams({ strict: false }) as { platform?: string };
  const cards = useQuery({ ...cardsQuery(account.uid), enabled: account.may('integrations:read') });
  const card = cards.data?.items.find((each) => each.platform === platform);
  const title = card?.title ?? platform;
  const keys = useQuery({ ...storeKeysQuery(account.uid), enabled: account.may('stores:read') });
  const base = `/a/${account.uid}/settings/integrations`;
  return (
    <Page
      title={t('titleOf', { title })}
      crumbs={[
        { label: t('settings') },
        { label: t('integrations'), to: base },
        { label: title, to: `${base}/${platform}` },
        { label: t('title') },
      ]}
      intro={t('intro', { title })}
      right="inventory:read"
    >
      <Part query={keys}>
        {(said) => <Stock key={platform} platform={platform} title={title} keys={said.items} />}
      </Part>
    </Page>
  );
}

interface Props {
  platform: string;
  title: string;
  keys: StoreKey[];
}

function Stock({ platform, title, keys }: Props) {
  const account = useAccount();
  const format = useFormat();
  const navigate = useNavigate();
  const search = useSearch({ strict: false }) as Partial<Record<'key' | 'q' | 'gone', string>>;
  const stores = useQuery({ ...storesQuery(account.uid), enabled: account.may('stores:read') });
  const names = new Map((stores.data?.items ?? []).map((store) => [store.id, store.name]));
  const shops = shopsOf(keys, platform, names);
  const key = shops.find((shop) => shop.value === search.key)?.value ?? shops[0]?.value ?? '';
  const asked = { key, q: search.q ?? '', gone: search.gone === 'yes' };
  const [typed, setTyped] = useState(asked.q);
  const stock = useInfiniteQuery({
    ...stockQuery(account.uid, platform, asked),
    enabled: key !== '' && account.may('inventory:read'),
  });
  const filter = (change: Record<string, string | undefined>) =>
    void navigate({ to: '.', search: { ...search, ...change } as never, replace: true });
  function submit(event: FormEvent) {
    event.preventDefault();
    filter({ q: typed.trim() || undefined });
  }
  if (shops.length === 0) {
    return (
      <Empty
        action={
          <Anchor component={Go} to={`/a/${account.uid}/settings/integrations/${platform}`}>
            {t('toCard', { title })}
          </Anchor>
        }
      >
        {t('empty', { title })}
      </Empty>
    );
  }
  return (
    <>
      <Age platform={platform} title={title} />
      <form onSubmit={submit}>
        <Group gap="md" align="flex-end">
          <Select
            label={t('store')}
            data={shops.map((shop) => ({ ...shop, label: cut(shop.label, 60) }))}
            value={key}
            searchable
            allowDeselect={false}
            style={{ flex: '1 1 220px', maxWidth: 360 }}
            onChange={(value) => value && filter({ key: value })}
          />
          <TextInput
            label={t('search')}
            placeholder={t('searchHint')}
            leftSection={<IconSearch size={16} aria-hidden />}
            value={typed}
            maxLength={100}
            style={{ flex: '1 1 220px' }}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <Button type="submit" variant="default">
            {t('find')}
          </Button>
          <Switch
            label={t('gone')}
            checked={asked.gone}
            pb={8}
            onChange={(event) => filter({ gone: event.currentTarget.checked ? 'yes' : undefined })}
          />
        </Group>
      </form>
      <div className="panel">
        <DataList
          caption={t('title')}
          query={stock}
          rowKey={(item) => item.ext_id}
          clear={
            asked.q
              ? () => {
                  setTyped('');
                  filter({ q: undefined });
                }
              : undefined
          }
          empty={<Empty>{t('emptyKey')}</Empty>}
          columns={[
            {
              key: 'name',
              title: t('product'),
              whole: true,
              cell: (item) => (
                <>
                  <Text component="span" fw={600}>
                    <Foreign>{item.name || item.ext_id}</Foreign>
                  </Text>{' '}
                  {item.brand && (
                    <Text component="span" c="dimmed">
                      <Foreign most={40}>{item.brand}</Foreign>
                    </Text>
                  )}{' '}
                  {!item.active && <StatusPill meaning="idle" word={t('notListed')} />}
                </>
              ),
            },
            {
              key: 'quantity',
              title: t('quantity'),
              number: true,
              label: true,
              cell: (item) => <Foreign most={40}>{amountOf(item) ?? null}</Foreign>,
            },
            {
              key: 'price',
              title: t('price'),
              number: true,
              label: true,
              cell: (item) => format.money(item.price, item.currency),
            },
            {
              key: 'category',
              title: t('category'),
              label: true,
              cell: (item) => <Foreign most={40}>{item.category}</Foreign>,
            },
            {
              key: 'sku',
              title: t('sku'),
              wide: true,
              cell: (item) => <Foreign most={40}>{item.sku}</Foreign>,
            },
            {
              key: 'updated',
              title: t('updated'),
              wide: true,
              cell: (item) => <LocalTime at={item.updated_at} />,
            },
          ]}
        />
      </div>
    </>
  );
}

/** How many products the POS listed, and when: over a day it is said as trouble. */
function Age({ platform, title }: { platform: string; title: string }) {
  const account = useAccount();
  const now = useNow();
  const flow = useQuery({
    ...flowQuery(account.uid, platform),
    enabled: account.may('integrations:read'),
  });
  const stock = flow.data?.stock;
  return (
    <div style={{ minHeight: 22 }}>
      {stock &&
        (isStale(stock.as_of, now) ? (
          <Strip meaning="warn">
            {t('stale', { title })} {t('asOf', { n: stock.items })}{' '}
            <LocalTime at={stock.as_of} both />
          </Strip>
        ) : (
          <Text c="dimmed">
            {t('asOf', { n: stock.items })} <LocalTime at={stock.as_of} both />
          </Text>
        ))}
    </div>
  );
}
