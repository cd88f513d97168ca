/** Which account the page is about, what its user may do there, and how things look there. */

import { queryOptions, skipToken, useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useCallback, useMemo, useSyncExternalStore } from 'react';
import { call, type Schemas } from '../api/client';
import { reasonsByField } from '../api/problem';
import * as format from '../components/format';
import { useSession } from './session';

export const meQuery = (sub: string) =>
  queryOptions({
    queryKey: ['me', sub],
    queryFn: ({ signal }) => call('get', '/api/me', { signal }),
    staleTime: 60_000,
  });

export const accountQuery = (uid: string) =>
  queryOptions({
    queryKey: [uid, 'account'],
    queryFn: ({ signal }) => call('get', '/api/accounts/{uid}', { path: { uid }, signal }),
    staleTime: 60_000,
  });

const LAST = 'aiq-last-account';

export function rememberAccount(uid: string): void {
  try {
    window.localStorage.setItem(LAST, uid);
  } catch {
    // Storage is off: the next visit asks.
  }
}
export function lastAccount(): string | null {
  try {
    return window.localStorage.getItem(LAST);
  } catch {
    return null;
  }
}

export function useMe() {
  const session = useSession();
  // Any small part of a page reads this: that one appears is no reason to ask again.
  return useQuery({
    ...meQuery(session?.sub ?? ''),
    enabled: session !== undefined,
    refetchOnMount: false,
  });
}

export function useUid(): string {
  return (useParams({ strict: false }) as { uid?: string }).uid ?? '';
}

export interface Account {
  uid: string;
  name: string;
  role: string;
  may: (right: Right) => boolean;
  zone: string | undefined;
  currency: string;
  locale: string;
}

export type Right = Schemas['MyAccount']['rights'][number];

/** The account of the address; what is not known yet is empty, and nothing is allowed. */
export function useAccount(): Account {
  const uid = useUid();
  const me = useMe().data;
  const mine = me?.accounts.find((each) => each.uid === uid);
  const readable = mine?.rights.includes('account:read') ?? false;
  const said = useQuery({ ...accountQuery(uid), enabled: readable, refetchOnMount: false }).data;
  // Whoever may read nothing else knows these by the Staff view.
  const till = useQuery<Pick<Schemas['CounterAnswer'], 'locale' | 'currency'>>({
    queryKey: [uid, 'counter'],
    queryFn: skipToken,
  }).data;
  return useMemo(() => {
    const rights = new Set<string>(mine?.rights ?? []);
    return {
      uid,
      name: said?.name ?? mine?.name ?? '',
      role: mine?.role ?? '',
      may: (right: Right) => rights.has(right),
      zone: said?.time_zone,
      currency: said?.currency ?? till?.currency ?? 'USD',
      locale: format.localeOf(said ?? till),
    };
  }, [uid, mine, said, till]);
}

/** Formatters for the account's locale, zone and currency. */
export function useFormat() {
  const { locale, zone, currency } = useAccount();
  return useMemo(
    () => ({
      locale,
      zone,
      number: (value: number | null | undefined) => format.formatNumber(value, locale),
      points: (value: number | null | undefined) => format.formatPoints(value, locale),
      money: (minor: number | null | undefined, of = currency) =>
        format.formatMoney(minor, of, locale),
      instant: (at: string | number) => format.formatInstant(at, locale, zone),
      time: (at: string | number, withSeconds = false) =>
        format.formatTime(at, locale, zone, withSeconds),
      day: (day: string | null | undefined) => format.formatDay(day, locale),
      sentence: (text: string) => format.formatSentence(text, locale, zone),
    }),
    [locale, zone, currency],
  );
}

/** Reads what is wrong with each field from an error answer, its days as the account writes them. */
export function useReasons(): (error: unknown) => Record<string, string> {
  const { sentence } = useFormat();
  return useCallback(
    (error) =>
      Object.fromEntries(
        Object.entries(reasonsByField(error)).map(([field, reason]) => [field, sentence(reason)]),
      ),
    [sentence],
  );
}

let minute = Date.now();
const waiting = new Set<() => void>();
function watchClock(listener: () => void): () => void {
  waiting.add(listener);
  const timer = window.setInterval(() => {
    if (Date.now() - minute >= 20_000) minute = Date.now();
    listener();
  }, 20_000);
  return () => {
    waiting.delete(listener);
    window.clearInterval(timer);
  };
}
/** The time, as old as 20 s: what shows an age stays true. */
export function useNow(): number {
  return useSyncExternalStore(watchClock, () => minute);
}
