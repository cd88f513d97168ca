import { expect, test } from 'vitest';
import { percentOf, type Totals } from './queries';

const totals = (fetched: number, expected: number | null, done = false) =>
  ({ fetched, expected, done }) as Totals;

test('a share is said only of a whole that is known, and is full only when it is done', () => {
  expect(percentOf(totals(50, null))).toBeUndefined();
  expect(percentOf(totals(50, 200))).toBe(25);
  expect(percentOf(totals(300, 200))).toBe(99);
  expect(percentOf(totals(3, 200, true))).toBe(100);
});
