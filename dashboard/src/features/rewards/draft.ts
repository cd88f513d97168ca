/** A discount as texts of a form. */

import type { Schemas } from '../../api/client';

export type Discount = Schemas['DiscountAnswer'];

/** `off`: its kind and worth in one, as `amount 5` or `percent 10`; `stores`: ids by commas. */
export type Draft = Record<string, string>;
export type Kind = 'amount' | 'percent';

const NO = 'false';
const YES = 'true';

export const NEW: Draft = {
  name: '',
  points: '',
  off: 'amount ',
  stores: '',
  starts_on: '',
  ends_on: '',
  reusable: YES,
  cooldown_hours: '0',
  min_spend: '0',
  active: YES,
};

/** The kind and the worth of a draft, which change together. */
export function offOf(draft: Draft): { kind: Kind; worth: string } {
  const [kind, worth = ''] = (draft.off ?? '').split(' ');
  return { kind: kind === 'percent' ? 'percent' : 'amount', worth };
}

export const storesOf = (draft: Draft) => (draft.stores ? draft.stores.split(',') : []);

const money = (minor: number) => String(minor / 100);
/** A typed amount in minor units; NaN for what is no number. */
export const minor = (typed: string) => Math.round(Number(typed || 'x') * 100);

export function draftOf(discount: Discount): Draft {
  return {
    name: discount.name,
    points: String(discount.points),
    off:
      discount.percent_off === null
        ? `amount ${money(discount.amount_off ?? 0)}`
        : `percent ${discount.percent_off}`,
    stores: discount.stores.join(','),
    starts_on: discount.starts_on ?? '',
    ends_on: discount.ends_on ?? '',
    reusable: String(discount.reusable),
    cooldown_hours: String(discount.cooldown_hours),
    min_spend: money(discount.min_spend),
    active: String(discount.active),
  };
}

/** The draft as the API takes it. */
export function inputOf(draft: Draft): Schemas['DiscountInput'] {
  const { kind, worth } = offOf(draft);
  return {
    name: (draft.name ?? '').trim(),
    points: Number(draft.points),
    amount_off: kind === 'amount' ? minor(worth) : null,
    percent_off: kind === 'percent' ? Number(worth) : null,
    stores: storesOf(draft).map(Number),
    starts_on: draft.starts_on || null,
    ends_on: draft.ends_on || null,
    reusable: draft.reusable !== NO,
    cooldown_hours: Number(draft.cooldown_hours || 0),
    min_spend: minor(draft.min_spend || '0'),
    active: draft.active !== NO,
  };
}

/** What is sent of a change: the fields that differ. */
export function changeOf(before: Draft, after: Draft): Schemas['DiscountChange'] {
  const was = inputOf(before) as Record<string, unknown>;
  const now = inputOf(after) as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(now).filter(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(was[key]),
    ),
  ) as Schemas['DiscountChange'];
}
