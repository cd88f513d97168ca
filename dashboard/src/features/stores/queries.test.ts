import { expect, test } from 'vitest';
import { inOrder, type StoreKey, titleOfKey, unmapped } from './queries';

const key = (id: string, store: number | null, sales = 0, suggested: number | null = null) =>
  ({ id, key: id, name: id, store, sales, suggested_store: suggested }) as StoreKey;

test('keys that wait for a store come with most sales first', () => {
  const keys = [key('a', null, 3), key('b', 1, 99), key('c', null, 8)];
  expect(unmapped(keys).map((each) => each.id)).toEqual(['c', 'a']);
});

test('a store is offered its own keys, then the suggested one, then free ones, then those of others', () => {
  const keys = [key('other', 2), key('free', null), key('likely', null, 0, 1), key('mine', 1)];
  expect(inOrder(keys, 1).map((each) => each.id)).toEqual(['mine', 'likely', 'free', 'other']);
});

test('a key is called by its name and its id, once where they are the same', () => {
  expect(titleOfKey({ name: 'Harbor House', key: 'harbor-01' })).toBe('Harbor House (harbor-01)');
  expect(titleOfKey({ name: 'harbor-01', key: 'harbor-01' })).toBe('harbor-01');
  expect(titleOfKey({ name: '', key: 'harbor-01' })).toBe('harbor-01');
});
