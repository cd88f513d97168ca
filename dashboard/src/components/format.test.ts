import { expect, test } from 'vitest';
import * as format from './format';

const NOW = Date.parse('2026-03-10T12:00:00Z');

test('unknown is a dash, never zero', () => {
  expect(format.formatNumber(null, 'en-US')).toBe('—');
  expect(format.formatPoints(undefined, 'en-US')).toBe('—');
  expect(format.formatMoney(null, 'USD', 'en-US')).toBe('—');
  expect(format.formatDay(null, 'en-US')).toBe('—');
});

test('points have at most two decimals and a real minus', () => {
  expect(format.formatPoints(-1203.456, 'en-US')).toBe('−1,203.46');
  expect(format.formatPoints(120.5, 'en-US')).toBe('120.5');
});

test('money is counted in the smallest unit of its currency', () => {
  expect(format.formatMoney(-4210, 'USD', 'en-US')).toBe('−$42.10');
  expect(format.formatMoney(4210, 'JPY', 'en-US')).toBe('¥4,210');
});

test('up to seven days a time is an age, then it is none', () => {
  const ago = (ms: number) => format.formatAge(new Date(NOW - ms).toISOString(), NOW);
  expect(ago(10_000)).toBe('just now');
  expect(ago(12 * 60_000)).toBe('12 min ago');
  expect(ago(31 * 3_600_000)).toBe('31 h ago');
  expect(ago(3 * 86_400_000)).toBe('3 days ago');
  expect(ago(8 * 86_400_000)).toBeUndefined();
});

test('a day is the same in every zone', () => {
  expect(format.formatDay('2026-03-03', 'en-US')).toBe('Mar 3, 2026');
  expect(format.dayIn('America/Los_Angeles', Date.parse('2026-03-03T05:00:00Z'))).toBe(
    '2026-03-02',
  );
});

test('the zone is named when it is not the one of the browser', () => {
  const at = '2026-03-03T22:05:00Z';
  const here = format.formatInstant(at, 'en-US', 'America/New_York', 'America/New_York');
  expect(here).toBe('Mar 3, 2026, 5:05 PM');
  expect(format.formatInstant(at, 'en-US', 'America/New_York', 'Europe/Paris')).toContain('EST');
});

test('a Canadian account counts as a Canadian reads until it names its locale', () => {
  expect(format.localeOf({ currency: 'CAD' })).toBe('en-CA');
  expect(format.localeOf({ currency: 'CAD', locale: 'fr-CA' })).toBe('fr-CA');
  expect(format.localeOf(undefined)).toBe('en-US');
});

test('only stars are emphasis; whatever a POS calls itself stays text', () => {
  expect(format.emphasised('press *Connect* <b>now</b>')).toEqual([
    { text: 'press ', strong: false },
    { text: 'Connect', strong: true },
    { text: ' <b>now</b>', strong: false },
  ]);
  expect(format.emphasised('2 * 3 * 4')).toEqual([{ text: '2 * 3 * 4', strong: false }]);
});

test('a long text is cut by letters, not in the middle of one', () => {
  expect(format.cut('😀'.repeat(100), 3)).toBe('😀😀…');
  expect(format.cut('short')).toBe('short');
});

test('a sentence says its days and times as the account writes them', () => {
  const said = (text: string) => format.formatSentence(text, 'en-US', 'America/Los_Angeles');
  expect(said('Start to accrue on 2026-12-01, the day after.')).toBe(
    'Start to accrue on Dec 1, 2026, the day after.',
  );
  expect(said('Until 2026-12-01T20:05:00Z.')).toMatch(/^Until Dec 1, 2026, 12:05 PM( PST)?\.$/);
  expect(said('Lot 2026-12-01-7 and 1234-56-78 stay.')).toBe(
    'Lot 2026-12-01-7 and 1234-56-78 stay.',
  );
});
