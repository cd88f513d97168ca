import { expect, test } from 'vitest';
import { linesOf, touches } from './counts';

const NONE = {
  personas: 900,
  enrolled: 0,
  messages: 0,
  opt_ins: 0,
  lost: 0,
  balances: 0,
  points: 0,
  earned_twice: 0,
  joined: 0,
  split: 0,
  dropped: 0,
  doubled: 0,
  out_of_market: 0,
  back_in_market: 0,
};

test('whom a market leaves out, and whom it takes back, is said and is not nobody', () => {
  const counts = { ...NONE, out_of_market: 12, back_in_market: 1 };
  expect(linesOf(counts, '0')).toEqual([
    '*12 shoppers* of other markets would no longer be here',
    '*1 shopper* of other markets would be back',
  ]);
  expect(touches({ counts: { ...counts, largest: [] }, notes: [] })).toBe(true);
});

test('what is 0 is not said', () => {
  expect(linesOf(NONE, '0')).toEqual([]);
  expect(touches({ counts: { ...NONE, largest: [] }, notes: [] })).toBe(false);
});

test('points go with the balances that they change', () => {
  expect(linesOf({ ...NONE, balances: 2 }, '−40')).toEqual([
    '*2 balances* would change, by −40 points',
  ]);
});
