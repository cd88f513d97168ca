import { describe, expect, test } from 'vitest';
import { changeOf, type Draft, fromTexts, pointsFor, textsOf } from './rules';

const draft: Draft = {
  enabled: true,
  accrual_start: '2026-01-01',
  points_per_100: '100',
  points_per_order: '0',
  max_orders_per_day: '',
  exclude_tax: true,
  rounding: 'nearest',
  expire_after_days: '365',
  earn_only_from_joining: false,
};

describe('the rules of loyalty', () => {
  test('are the same again after they were compared as texts', () => {
    expect(textsOf(draft).exclude_tax).toBe('true');
    expect(fromTexts(textsOf(draft))).toEqual(draft);
  });

  test('are sent only where they changed', () => {
    const wanted = { ...draft, points_per_100: '120.5', expire_after_days: '', accrual_start: '' };
    expect(changeOf(draft, wanted)).toEqual({
      points_per_100: 120.5,
      expire_after_days: null,
      accrual_start: null,
    });
    expect(changeOf(draft, draft)).toEqual({});
  });

  test('earn as the example says', () => {
    expect(pointsFor(4210, draft)).toBe(42);
    expect(pointsFor(4210, { ...draft, rounding: 'up' })).toBe(43);
    expect(pointsFor(4210, { ...draft, rounding: 'none', points_per_order: '5' })).toBe(47.1);
    expect(pointsFor(4210, { ...draft, points_per_100: 'x' })).toBeUndefined();
  });
});
