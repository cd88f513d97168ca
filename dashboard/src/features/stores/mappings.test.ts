import { expect, test } from 'vitest';
import { Problem } from '../../api/problem';
import { holderOf, requestsOf, takenKey } from './mappings';
import type { StoreKey } from './queries';

const refused = (status: number, more: object) =>
  new Problem(
    { status, detail: '', code: 'conflict', actor: 'you', request_id: '', ...more },
    undefined,
  );

test('one request maps all chosen keys, with the version of each store that gains one', () => {
  const chosen = [
    { key: 'a', store: 1 },
    { key: 'b', store: 1 },
    { key: 'c', store: 3 },
  ];
  const stores = [1, 2, 3].map((id) => ({ id, version: id * 10 }));
  expect(requestsOf(chosen, stores)).toEqual([{ items: chosen, versions: { 1: 10, 3: 30 } }]);
});

test('no request is larger than the API takes, and no key is left out', () => {
  const chosen = Array.from({ length: 120 }, (_, n) => ({ key: `k${n}`, store: n + 1 }));
  const sent = requestsOf(chosen, []);
  expect(sent.flatMap((each) => each.items)).toEqual(chosen);
  for (const { items, versions } of sent) {
    expect(items.length + Object.keys(versions).length).toBeLessThanOrEqual(100);
  }
});

test('a refusal names the key and its store, where that is the reason', () => {
  expect(holderOf(refused(409, { store_key: 'a', store: 2 }))).toEqual({ key: 'a', store: 2 });
  expect(holderOf(refused(412, { store: 2 }))).toBeUndefined();
  expect(holderOf(new Error('offline'))).toBeUndefined();
});

test('a key that somebody mapped meanwhile is found before anything is sent', () => {
  const keys = [
    { id: 'a', store: null },
    { id: 'b', store: 2 },
  ] as StoreKey[];
  expect(takenKey([{ key: 'a', store: null }], keys)).toBeUndefined();
  expect(takenKey([{ key: 'b', store: 2 }], keys)).toBeUndefined();
  expect(takenKey([{ key: 'b', store: null }], keys)).toEqual({ key: 'b', store: 2 });
});
