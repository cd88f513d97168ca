import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { call, type Schemas } from '../../api/client';
import { every } from '../../app/queries';

export type Run = Schemas['RunAnswer'];
export type Totals = Schemas['StreamTotalsAnswer'];

const LIVE = new Set(['queued', 'running', 'waiting']);
export const isLive = (run: Pick<Run, 'state'>) => LIVE.has(run.state);

/** The syncs under way of the whole account: one request, often while there are any. */
export const liveRunsQuery = (uid: string) =>
  queryOptions({
    queryKey: [uid, 'runs', 'live'],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/runs', { path: { uid }, query: { live: 'true' }, signal }),
    refetchInterval: (query) => {
      const any = (query.state.data?.items.length ?? 0) > 0;
      return every(any ? 2000 : 15_000)(query);
    },
    staleTime: 1000,
  });

export const runsQuery = (uid: string, platform: string) =>
  infiniteQueryOptions({
    queryKey: [uid, 'runs', platform],
    queryFn: ({ pageParam, signal }) =>
      call('get', '/api/accounts/{uid}/integrations/{platform}/runs', {
        path: { uid, platform },
        query: { limit: 10, cursor: pageParam },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

export const runQuery = (uid: string, platform: string, run: string) =>
  queryOptions({
    queryKey: [uid, 'runs', platform, run],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/integrations/{platform}/runs/{run}', {
        path: { uid, platform, run },
        signal,
      }),
    refetchInterval: every<Run>(2000, (said) => said === undefined || isLive(said)),
  });

export const setAsideQuery = (uid: string, platform: string, run: string) =>
  infiniteQueryOptions({
    queryKey: [uid, 'runs', platform, run, 'set-aside'],
    queryFn: ({ pageParam, signal }) =>
      call('get', '/api/accounts/{uid}/integrations/{platform}/runs/{run}/set-aside', {
        path: { uid, platform, run },
        query: { limit: 20, cursor: pageParam },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

/** A run's sum over its kinds of data. */
export function sumOf(run: Run, what: 'new' | 'changed' | 'set_aside'): number {
  return Object.values(run.streams).reduce((sum, totals) => sum + totals[what], 0);
}

/** How far a kind of data is, in percent; undefined while nobody knows the whole. At most 99 till done. */
export function percentOf(totals: Totals): number | undefined {
  if (totals.done) return 100;
  if (!totals.expected) return undefined;
  return Math.min(99, Math.floor((100 * totals.fetched) / totals.expected));
}
