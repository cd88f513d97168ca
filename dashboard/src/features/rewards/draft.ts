/** A discount as texts of a form. */

import type { Schemas } from '../../api/client';

export type Discount = Schemas['DiscountAnswer'];

export interface Draft {
  name: string;
  points: string;
  kind: 'amount' | 'percent';
  worth: string;
  stores: string[];
  starts_on: string;
  ends_on: string;
  reusable: boolean;
  cooldown_hours: string;
  min_spend: string;
  active: boolean;
}

export const NEW: Draft = {
  name: '',
  points: '',
  kind: 'amount',
  worth: '',
  stores: [],
  starts_on: '',
  ends_on: '',
  reusable: true,
  cooldown_hours: '0',
  min_spend: '0',
  active: true,
};

const money = (minor: number) => String(minor / 100);
/** A typed amount in minor units; NaN for what is no number. */
export const minor = (typed: string) => Math.round(Number(typed || 'x') * 100);

export function draftOf(discount: Discount): Draft {
  return {
    name: discount.name,
    points: String(discount.points),
    kind: discount.percent_off === null ? 'amount' : 'percent',
    worth:
      discount.percent_off === null
        ? money(discount.amount_off ?? 0)
        : String(discount.percent_off),
    stores: discount.stores.map(String),
    starts_on: discount.starts_on ?? '',
    ends_on: discount.ends_on ?? '',
    reusable: discount.reusable,
    cooldown_hours: String(discount.cooldown_hours),
    min_spend: money(discount.min_spend),
    active: discount.active,
  };
}

/** The draft as the API takes it. */
export function inputOf(draft: Draft): Schemas['DiscountInput'] {
  const amount = draft.kind === 'amount';
  return {
    name: draft.name.trim(),
    points: Number(draft.points),
    amount_off: amount ? minor(draft.worth) : null,
    percent_off: amount ? null : Number(draft.worth),
    stores: draft.stores.map(Number),
    starts_on: draft.starts_on || null,
    ends_on: draft.ends_on || null,
    reusable: draft.reusable,
    cooldown_hours: Number(draft.cooldown_hours || 0),
    min_spend: minor(draft.min_spend || '0'),
    active: draft.active,
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
