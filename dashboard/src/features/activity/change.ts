/** What an entry of the Activity log says was changed, in words: no ids of ours, no codes. */

import type { useFormat } from '../../app/account';
import { UNKNOWN } from '../../components/format';
import { fieldOf, t } from './words';

type Values = Record<string, unknown>;
export type Format = Pick<ReturnType<typeof useFormat>, 'number' | 'day' | 'instant'>;

export interface Line {
  name: string;
  before: string;
  after: string;
}

/** Says nothing to a person: ids and digests, and who, which stands in its own column. */
const HIDDEN = new Set(['job', 'fingerprints', 'scope', 'id', 'version', 'replaced_by']);
const OURS = /^(user:|[a-z]{3}_[0-9A-Za-z]{8,}$)/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/;
const CODE = /^[a-z]+(_[a-z]+)+$/;
/** Milliseconds since 1970, under such names. */
const MOMENT = /(_at|_from|_since|_until)$/;
const YEAR_2000 = 946_684_800_000;

/** What was changed, at most eight lines. */
export function linesOf(before: Values, after: Values, format: Format): Line[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => !HIDDEN.has(name) && !isOurs(before[name]) && !isOurs(after[name]))
    .slice(0, 8)
    .map((name) => ({
      name: fieldOf(name),
      before: textOf(before[name], name, format),
      after: textOf(after[name], name, format),
    }));
}

function isOurs(value: unknown): boolean {
  return typeof value === 'string' && OURS.test(value);
}

function plain(code: string): string {
  return code.replaceAll('_', ' ');
}

function textOf(value: unknown, name: string, format: Format): string {
  if (value === null || value === undefined || value === '') return UNKNOWN;
  if (typeof value === 'boolean') return t(value ? 'yes' : 'no');
  if (typeof value === 'number') {
    return MOMENT.test(name) && value > YEAR_2000 ? format.instant(value) : format.number(value);
  }
  if (typeof value === 'string') {
    if (DAY.test(value)) return format.day(value);
    if (INSTANT.test(value)) return format.instant(value);
    return CODE.test(value) ? plain(value) : value;
  }
  if (Array.isArray(value)) {
    return value.map((each) => textOf(each, name, format)).join(', ') || UNKNOWN;
  }
  return (
    Object.entries(value as Values)
      .filter(([key, inner]) => !HIDDEN.has(key) && !isOurs(inner))
      .map(([key, inner]) => `${plain(key)} ${textOf(inner, key, format)}`)
      .join(', ') || UNKNOWN
  );
}
