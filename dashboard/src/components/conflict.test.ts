import { expect, test } from 'vitest';
import { contested, merged } from './Conflict';

const fields = ['name', 'phone', 'state'].map((key) => ({ key, label: key }));
const before = { name: 'Harbor', phone: '', state: 'WA' };

test('only a field that both changed differently is asked about; the others are merged', () => {
  const theirs = { name: 'Harbor House', phone: '', state: 'OR' };
  const yours = { name: 'Harbor Two', phone: '206', state: 'WA' };
  expect(contested(fields, before, theirs, yours).map((each) => each.key)).toEqual(['name']);
  expect(merged(before, theirs, yours)).toEqual({ name: 'Harbor Two', phone: '206', state: 'OR' });
});

test('both saying the same is no conflict', () => {
  const same = { ...before, name: 'Harbor House' };
  expect(contested(fields, before, same, same)).toEqual([]);
});
