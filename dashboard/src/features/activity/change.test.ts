import { expect, test } from 'vitest';
import {
  formatDay,
  formatInstant,
  formatMoney,
  formatNumber,
  formatPoints,
} from '../../components/format';
import { linesOf } from './change';

const format = {
  number: (value: number | null | undefined) => formatNumber(value, 'en-US'),
  day: (day: string | null | undefined) => formatDay(day, 'en-US'),
  points: (value: number | null | undefined) => formatPoints(value, 'en-US'),
  money: (minor: number | null | undefined) => formatMoney(minor, 'USD', 'en-US'),
  instant: (at: string | number) => formatInstant(at, 'en-US', 'UTC', 'UTC'),
};

test('days and times are written as people write them', () => {
  const after = {
    enroll_after: '2026-03-25',
    history_from: 1764489600000,
    at: '2026-03-25T14:05:00Z',
  };
  expect(linesOf({}, after, format)).toEqual([
    { name: 'enroll after', before: '—', after: 'Mar 25, 2026' },
    { name: 'history from', before: '—', after: 'Nov 30, 2025, 8:00 AM' },
    { name: 'at', before: '—', after: 'Mar 25, 2026, 2:05 PM' },
  ]);
});

test('what is in a thing is told in words, and codes without their underscores', () => {
  const after = {
    trust: { allow_http: true, certificate: null },
    state: 'opted_out',
    days: [1, 2000],
  };
  expect(linesOf({ state: 'opted_in' }, after, format)).toEqual([
    { name: 'state', before: 'opted in', after: 'opted out' },
    { name: 'trust', before: '—', after: 'allow http yes, certificate —' },
    { name: 'days', before: '—', after: '1, 2,000' },
  ]);
});

test('ids and digests of ours are no line', () => {
  const after = {
    job: 'job_0000000003',
    fingerprints: { key: '43d43aaa7767' },
    ticked_by: 'user:0b1c-77',
    credential: 'crd_01KB2W8Q6ZJ6M3D5V9X1T7R4NC',
    name: 'Pine St',
  };
  expect(linesOf({}, after, format)).toEqual([{ name: 'name', before: '—', after: 'Pine St' }]);
});

test('a discount is told in points and money, without what it leaves empty', () => {
  const after = {
    uid: '371275',
    name: 'Ten off',
    price: 10_000,
    amount_off: 1_000,
    starts_on: null,
  };
  expect(linesOf({}, after, format)).toEqual([
    { name: 'name', before: '—', after: 'Ten off' },
    { name: 'price', before: '—', after: '100' },
    { name: 'amount off', before: '—', after: '$10.00' },
  ]);
});
