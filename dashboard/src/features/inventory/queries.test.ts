import { expect, test } from 'vitest';
import type { StoreKey } from '../stores/queries';
import { amountOf, shopsOf } from './queries';

const key = (platform: string, name: string, store: number | null) =>
  ({ id: `${platform}:x:${name}`, platform, key: name, name, store }) as StoreKey;

test('the stores of one POS are called by our names, and by its own where they are not mapped', () => {
  const keys = [key('posabit', 'b-01', 1), key('posabit', 'a-02', null), key('auphan', 'z', 1)];
  expect(shopsOf(keys, 'posabit', new Map([[1, 'Harbor House']]))).toEqual([
    { value: 'posabit:x:a-02', label: 'a-02' },
    { value: 'posabit:x:b-01', label: 'Harbor House: b-01' },
  ]);
});

test('a quantity has its unit and no idle zeros, and unknown is not none', () => {
  expect(amountOf({ quantity: '3.5', unit: 'g' })).toBe('3.5 g');
  expect(amountOf({ quantity: '57.0', unit: 'each' })).toBe('57 each');
  expect(amountOf({ quantity: '1.250', unit: 'g' })).toBe('1.25 g');
  expect(amountOf({ quantity: '100', unit: null })).toBe('100');
  expect(amountOf({ quantity: '0', unit: null })).toBe('0');
  expect(amountOf({ quantity: '', unit: 'g' })).toBeUndefined();
});
