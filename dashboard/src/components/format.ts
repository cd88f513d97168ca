/** How numbers, money, points and times look. Unknown is "—", never 0. */

import { t } from './words';

export const UNKNOWN = '—';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The locale of an account: its own once the API has one, else by its currency. */
export function localeOf(
  account: { locale?: string | null; currency?: string } | undefined,
): string {
  if (account?.locale) return account.locale;
  return account?.currency === 'CAD' ? 'en-CA' : 'en-US';
}

export function formatNumber(value: number | null | undefined, locale: string): string {
  return value == null ? UNKNOWN : new Intl.NumberFormat(locale).format(value).replace('-', '−');
}

/** Points have at most two decimals. */
export function formatPoints(value: number | null | undefined, locale: string): string {
  if (value == null) return UNKNOWN;
  const options = { maximumFractionDigits: 2 };
  return new Intl.NumberFormat(locale, options).format(value).replace('-', '−');
}

/** `minor`: the amount in the currency's smallest unit. */
export function formatMoney(
  minor: number | null | undefined,
  currency: string,
  locale: string,
): string {
  if (minor == null) return UNKNOWN;
  const format = new Intl.NumberFormat(locale, { style: 'currency', currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(minor / 10 ** digits).replace('-', '−');
}

/** `2 h ago`, for up to seven days; undefined for what is longer ago. */
export function formatAge(instant: string, now: number): string | undefined {
  const gone = Math.max(0, now - Date.parse(instant));
  if (gone < MINUTE) return t('now');
  if (gone < HOUR) return t('minutesAgo', { n: Math.floor(gone / MINUTE) });
  if (gone < 2 * DAY) return t('hoursAgo', { n: Math.floor(gone / HOUR) });
  if (gone < 7 * DAY) return t('daysAgo', { n: Math.floor(gone / DAY) });
  return undefined;
}

/** A span of time: `31 h`. */
export function formatSpan(ms: number): string {
  if (ms < HOUR) return t('minutes', { n: Math.max(1, Math.floor(ms / MINUTE)) });
  if (ms < 2 * DAY) return t('hours', { n: Math.floor(ms / HOUR) });
  return t('days', { n: Math.floor(ms / DAY) });
}

/** `in 5 min`, `in 3 h`; undefined for what is further away than two days. */
export function formatUntil(instant: string, now: number): string | undefined {
  const left = Date.parse(instant) - now;
  if (left < MINUTE) return t('soon');
  if (left < HOUR) return t('inMinutes', { n: Math.round(left / MINUTE) });
  if (left < 2 * DAY) return t('inHours', { n: Math.round(left / HOUR) });
  return undefined;
}

/** `Mar 3, 2026, 2:05 PM` on the clock of `zone`, which is named where it is not the browser's. */
export function formatInstant(
  instant: string | number,
  locale: string,
  zone: string | undefined,
  here: string = Intl.DateTimeFormat().resolvedOptions().timeZone,
): string {
  const options: Intl.DateTimeFormatOptions = {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    timeZone: zone,
  };
  if (zone && zone !== here) options.timeZoneName = 'short';
  return new Intl.DateTimeFormat(locale, options).format(new Date(instant));
}

/** The time of day alone: `2:05 PM`. */
export function formatTime(
  instant: string | number,
  locale: string,
  zone?: string,
  withSeconds = false,
): string {
  return new Intl.DateTimeFormat(locale, {
    hour: 'numeric',
    minute: '2-digit',
    ...(withSeconds ? { second: '2-digit' } : {}),
    timeZone: zone,
  }).format(new Date(instant));
}

/** A calendar day, which no zone shifts: `2026-03-03` is `Mar 3, 2026`. */
export function formatDay(day: string | null | undefined, locale: string): string {
  if (!day) return UNKNOWN;
  const [year, month, date] = day.slice(0, 10).split('-').map(Number);
  if (!year || !month || !date) return day;
  return new Intl.DateTimeFormat(locale, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    timeZone: 'UTC',
  }).format(Date.UTC(year, month - 1, date));
}

/** A sentence of the API, with its days and times as the account writes them. */
export function formatSentence(text: string, locale: string, zone: string | undefined): string {
  return text
    .replace(/\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}[\d:.]*(?:Z|[+-]\d{2}:\d{2})/g, (at) =>
      Number.isNaN(Date.parse(at)) ? at : formatInstant(at, locale, zone),
    )
    .replace(/(?<![\w-])\d{4}-\d{2}-\d{2}(?![\w-])/g, (day) =>
      Number.isNaN(Date.parse(day)) ? day : formatDay(day, locale),
    );
}

/** An instant's calendar day in a zone, as `2026-03-03`. */
export function dayIn(zone: string | undefined, instant: number): string {
  return new Intl.DateTimeFormat('en-CA', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    timeZone: zone,
  }).format(instant);
}

/** Names in a sentence: `A, B and C`. */
export function listed(names: readonly string[]): string {
  const [last = '', ...before] = [...names].reverse();
  return before.length === 0 ? last : t('both', { first: before.reverse().join(', '), last });
}

/** The text of a POS, cut for a list. */
export function cut(text: string, most = 80): string {
  const shown = [...text];
  return shown.length > most ? `${shown.slice(0, most - 1).join('')}…` : text;
}

/** A text's plain and emphasised runs: `say *yes*` → `say `, [`yes`]. Nothing else is markup. */
export function emphasised(text: string): { text: string; strong: boolean }[] {
  return text
    .split(/(\*[^\s*](?:[^*\n]*[^\s*])?\*)/)
    .filter((part) => part !== '')
    .map((part) =>
      /^\*[^\s*](?:[^*\n]*[^\s*])?\*$/.test(part)
        ? { text: part.slice(1, -1), strong: true }
        : { text: part, strong: false },
    );
}
