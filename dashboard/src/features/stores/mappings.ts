/** Many keys mapped at once: what is sent, and whose a refused key is. */

import type { Schemas } from '../../api/client';
import { Problem } from '../../api/problem';
import type { Store, StoreKey } from './queries';

/** Keys of one request: with a store each they fill its transaction of 100. */
const MOST_AT_ONCE = 50;

/** The requests that map the chosen keys, each all or nothing: one, up to 50 keys. */
export function requestsOf(
  chosen: readonly { key: string; store: number }[],
  stores: readonly Pick<Store, 'id' | 'version'>[],
): Schemas['MappingsInput'][] {
  const versions = new Map(stores.map((store) => [store.id, store.version]));
  const requests: Schemas['MappingsInput'][] = [];
  for (let at = 0; at < chosen.length; at += MOST_AT_ONCE) {
    const items = chosen.slice(at, at + MOST_AT_ONCE);
    requests.push({
      items,
      versions: Object.fromEntries(items.map(({ store }) => [store, versions.get(store) ?? 0])),
    });
  }
  return requests;
}

export interface Holder {
  key: string;
  store: number;
}

/** Which key another store has, and which store, where that is why a mapping was refused. */
export function holderOf(error: unknown): Holder | undefined {
  if (!(error instanceof Problem) || error.status !== 409) return undefined;
  const { store_key: key, store } = error.document;
  return typeof key === 'string' && typeof store === 'number' ? { key, store } : undefined;
}

/** The first chosen key that somebody else has mapped by now. */
export function takenKey(
  chosen: readonly { key: string; store: number | null }[],
  keys: readonly StoreKey[],
): Holder | undefined {
  const holders = new Map(keys.map((key) => [key.id, key.store]));
  for (const { key, store } of chosen) {
    const holder = holders.get(key);
    if (holder != null && holder !== store) return { key, store: holder };
  }
  return undefined;
}
