/** What an entry of the Activity log says was changed, in words: no ids of ours, no codes. */

import type { useFormat } from '../../app/account';
import { UNKNOWN } from '../../components/format';
import { fieldOf, t } from './words';

type Values = Record<string, unknown>;
export type Format = Pick<
  ReturnType<typeof useFormat>,
  'number' | 'day' | 'instant' | 'points' | 'money'
>;

export interface Line {
  name: string;
  before: string;
  after: string;
}

/** Says nothing to a person: ids and digests, and who, which stands in its own column. */
const HIDDEN = new Set(['job', 'fingerprints', 'scope', 'id', 'uid', 'version', 'replaced_by']);
const OURS = /^(user:|[a-z]{3}_[0-9A-Za-z]{8,}$)/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/;
const CODE = /^[a-z]+(_[a-z]+)+$/;
/** Milliseconds since 1970, under such names. */
const MOMENT = /(_at|_from|_since|_until)$/;
const YEAR_2000 = 946_684_800_000;
/** Numbers that a discount keeps in hundredths of a point or a percent, and in minor units. */
const UNITS: Record<string, (value: number, format: Format) => string> = {
  price: (value, format) => format.points(value / 100),
  percent_off: (value, format) => `${format.number(value / 100)} %`,
  amount_off: (value, format) => format.money(value),
  min_spend: (value, format) => format.money(value),
};

/** What was changed, at most eight lines; of what was empty before and after, none. */
export function linesOf(before: Values, after: Values, format: Format): Line[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => !HIDDEN.has(name) && !isOurs(before[name]) && !isOurs(after[name]))
    .map((name) => ({
      name: fieldOf(name),
      before: textOf(before[name], name, format),
      after: textOf(after[name], name, format),
    }))
    .filter((line) => line.before !== UNKNOWN || line.after !== UNKNOWN)
    .slice(0, 8);
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
    const unit = UNITS[name];
    if (unit) return unit(value, format);
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
