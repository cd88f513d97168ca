import { expect, test } from 'vitest';
import { type Notification, placeOf, worstFirst } from './queries';

test('a link leads into the account, whether or not it names one', () => {
  expect(placeOf('7', '/settings/stores')).toBe('/a/7/settings/stores');
  expect(placeOf('7', '/a/9/settings/stores')).toBe('/a/9/settings/stores');
  expect(placeOf('7', 'https://aiq.example/a/9/activity')).toBe('/a/9/activity');
});

test('the worst comes first, then the oldest', () => {
  const note = (severity: Notification['severity'], raised_at: string) =>
    ({ severity, raised_at }) as Notification;
  const sorted = worstFirst([note('info', '1'), note('error', '3'), note('error', '2')]);
  expect(sorted.map((each) => each.raised_at)).toEqual(['2', '3', '1']);
});
