import { queryOptions } from '@tanstack/react-query';
import { call, type Schemas } from '../../api/client';
import { every } from '../../app/queries';

export type Store = Schemas['StoreAnswer'];
export type StoreKey = Schemas['StoreKeyAnswer'];

export const storesQuery = (uid: string) =>
  queryOptions({
    queryKey: [uid, 'stores'],
    queryFn: ({ signal }) => call('get', '/api/accounts/{uid}/stores', { path: { uid }, signal }),
  });

export const storeQuery = (uid: string, store: string) =>
  queryOptions({
    queryKey: [uid, 'stores', store],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/stores/{store}', {
        path: { uid, store: store as never },
        signal,
      }),
  });

/** Every key seen; an account has as many as it has shops in its POS. */
export const storeKeysQuery = (uid: string) =>
  queryOptions({
    queryKey: [uid, 'store-keys'],
    queryFn: async ({ signal }) => {
      const items: StoreKey[] = [];
      let cursor: string | undefined;
      do {
        const page = await call('get', '/api/accounts/{uid}/store-keys', {
          path: { uid },
          query: { limit: 100, cursor },
          signal,
        });
        items.push(...page.items);
        cursor = page.next_cursor ?? undefined;
      } while (cursor);
      return { items };
    },
    refetchInterval: every(60_000),
  });

/** Keys that wait for a store, those with most sales first. */
export function unmapped(keys: readonly StoreKey[]): StoreKey[] {
  return keys.filter((key) => key.store === null).sort((a, b) => b.sales - a.sales);
}

/** A key in words: its name, and its id where that says something else. */
export function titleOfKey(key: Pick<StoreKey, 'name' | 'key'>): string {
  return key.name && key.name !== key.key ? `${key.name} (${key.key})` : key.key;
}

const CLOSE = new Intl.Collator('en', { sensitivity: 'base' });

/** The keys as options for a store: the suggested first, then free ones, then those of others. */
export function inOrder(keys: readonly StoreKey[], store: number): StoreKey[] {
  const rank = (key: StoreKey) =>
    key.store === store ? 0 : key.store === null ? (key.suggested_store === store ? 1 : 2) : 3;
  return [...keys].sort((a, b) => rank(a) - rank(b) || CLOSE.compare(a.name, b.name));
}
