import { describe, expect, test } from 'vitest';
import { axisEnd, dayBefore, fromFirst, sumOfLast } from './series';

const bucket = (day: string, values: Record<string, number>) => ({ day, values, unread: [] });

describe('a chart', () => {
  const days = [
    bucket('2026-03-01', {}),
    bucket('2026-03-02', { posabit: 2, webjoint: 1 }),
    bucket('2026-03-03', {}),
    bucket('2026-03-04', { posabit: 4 }),
  ];

  test('begins with the first day that has something', () => {
    expect(fromFirst(days).map(({ day }) => day)).toEqual([
      '2026-03-02',
      '2026-03-03',
      '2026-03-04',
    ]);
    expect(fromFirst(days.slice(0, 1))).toEqual([]);
  });

  test('sums its last days over all sources', () => {
    expect(sumOfLast(days, 3)).toBe(7);
    expect(sumOfLast(days, 1)).toBe(4);
  });

  test('has an axis that ends at a round number', () => {
    expect([0, 1, 3, 7, 12, 480, 5001].map(axisEnd)).toEqual([1, 1, 5, 10, 20, 500, 10_000]);
  });

  test('counts days without a zone shifting them', () => {
    expect(dayBefore('2026-03-01', 1)).toBe('2026-02-28');
    expect(dayBefore('2026-11-02', 90)).toBe('2026-08-04');
  });
});
