/** The loyalty rules as texts of a form, and what of them changed. */

import type { Schemas } from '../../api/client';

export type Rules = Schemas['LoyaltyAnswer'];
export type Draft = {
  enabled: boolean;
  accrual_start: string;
  points_per_100: string;
  points_per_order: string;
  max_orders_per_day: string;
  exclude_tax: boolean;
  rounding: Rules['rounding'];
  expire_after_days: string;
  earn_only_from_joining: boolean;
};

const text = (value: number | string | null) => (value === null ? '' : String(value));

export function draftOf(rules: Rules): Draft {
  return {
    enabled: rules.enabled,
    accrual_start: text(rules.accrual_start),
    points_per_100: text(rules.points_per_100),
    points_per_order: text(rules.points_per_order),
    max_orders_per_day: text(rules.max_orders_per_day),
    exclude_tax: rules.exclude_tax,
    rounding: rules.rounding,
    expire_after_days: text(rules.expire_after_days),
    earn_only_from_joining: rules.earn_only_from_joining,
  };
}

const BOXES = ['enabled', 'exclude_tax', 'earn_only_from_joining'];

/** A draft as texts alone, so that two of them can be compared. */
export function textsOf(draft: Draft): Record<string, string> {
  return Object.fromEntries(Object.entries(draft).map(([key, value]) => [key, String(value)]));
}

export function fromTexts(texts: Record<string, string>): Draft {
  const values = Object.entries(texts).map(([key, value]) => [
    key,
    BOXES.includes(key) ? value === 'true' : value,
  ]);
  return Object.fromEntries(values) as Draft;
}

const NUMBERS = ['points_per_100', 'points_per_order'] as const;
const OPTIONAL_NUMBERS = ['max_orders_per_day', 'expire_after_days'] as const;

/** The fields in which two drafts differ, as the API takes them. */
export function changeOf(before: Draft, after: Draft): Schemas['LoyaltyChange'] {
  const change: Record<string, unknown> = {};
  for (const key of Object.keys(after) as (keyof Draft)[]) {
    if (after[key] === before[key]) continue;
    const value = after[key];
    if ((NUMBERS as readonly string[]).includes(key)) change[key] = Number(value || 0);
    else if ((OPTIONAL_NUMBERS as readonly string[]).includes(key)) {
      change[key] = value === '' ? null : Number(value);
    } else if (key === 'accrual_start') change[key] = value === '' ? null : value;
    else change[key] = value;
  }
  return change as Schemas['LoyaltyChange'];
}

const ROUND = { up: Math.ceil, down: Math.floor, nearest: Math.round, none: (n: number) => n };

/** The points of a sale of so much, in hundredths exact; undefined while a number is missing. */
export function pointsFor(amountMinor: number, draft: Draft): number | undefined {
  const per100 = Number(draft.points_per_100 || 0);
  const perOrder = Number(draft.points_per_order || 0);
  if (Number.isNaN(per100) || Number.isNaN(perOrder)) return undefined;
  const earned = Math.round(amountMinor * per100 * 1e4) / 1e8;
  return ROUND[draft.rounding](earned) + perOrder;
}
