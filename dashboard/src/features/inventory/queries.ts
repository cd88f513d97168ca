import { infiniteQueryOptions } from '@tanstack/react-query';
import { call, type Schemas } from '../../api/client';
import type { StoreKey } from '../stores/queries';
import { titleOfKey } from '../stores/queries';

export type Item = Schemas['InventoryItemAnswer'];

export interface Asked {
  key: string;
  q: string;
  /** Also what the last complete listing lacks. */
  gone: boolean;
}

export const stockQuery = (uid: string, platform: string, asked: Asked) =>
  infiniteQueryOptions({
    queryKey: [uid, 'inventory', platform, asked],
    queryFn: ({ pageParam, signal }) =>
      call('get', '/api/accounts/{uid}/integrations/{platform}/inventory', {
        path: { uid, platform },
        query: {
          key: asked.key,
          limit: 50,
          ...(asked.q && { q: asked.q }),
          ...(!asked.gone && { active: true }),
          ...(pageParam && { cursor: pageParam }),
        },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    staleTime: 60_000,
  });

const CLOSE = new Intl.Collator('en', { sensitivity: 'base', numeric: true });

/** A platform's keys as stores to choose from, by name: ours where it is mapped, else the POS's. */
export function shopsOf(
  keys: readonly StoreKey[],
  platform: string,
  names: ReadonlyMap<number, string>,
): { value: string; label: string }[] {
  return keys
    .filter((key) => key.platform === platform)
    .map((key) => {
      const store = key.store === null ? undefined : names.get(key.store);
      const title = titleOfKey(key);
      return { value: key.id, label: store && store !== title ? `${store}: ${title}` : title };
    })
    .sort((a, b) => CLOSE.compare(a.label, b.label));
}

/** How much of a product there is, without idle zeros; undefined where the POS did not say. */
export function amountOf(item: Pick<Item, 'quantity' | 'unit'>): string | undefined {
  if (!item.quantity) return undefined;
  const said = item.quantity.replace(/^(-?\d+)\.0*$|^(-?\d+\.\d*?)0+$/, '$1$2');
  return item.unit ? `${said} ${item.unit}` : said;
}
