/** The one policy of asking: when data is stale, what is tried again, how live things are polled. */

import { QueryClient } from '@tanstack/react-query';
import { Offline, Problem } from '../api/problem';

const TRIES = 2;

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      gcTime: 10 * 60_000,
      retry: (failures, error) => {
        if (error instanceof Problem && error.status === 429) return failures < 1;
        return failures < TRIES && (error instanceof Offline || isPassing(error));
      },
      retryDelay: (failures, error) =>
        error instanceof Problem && error.retryAfter
          ? error.retryAfter * 1000
          : Math.min(10_000, 1000 * 2 ** failures),
      networkMode: 'always',
    },
    mutations: { retry: false, networkMode: 'always' },
  },
});

function isPassing(error: unknown): boolean {
  return error instanceof Problem && error.status >= 500 && error.status !== 501;
}

/**
 * A `refetchInterval` for something live: `ms` while `alive` says so, slower after errors, never once
 * it ended. A hidden tab asks nothing: Query pauses intervals there.
 */
export function every<T>(ms: number, alive: (data: T | undefined) => boolean = () => true) {
  return (query: { state: { data: unknown; fetchFailureCount: number } }): number | false => {
    if (!alive(query.state.data as T | undefined)) return false;
    const failures = query.state.fetchFailureCount;
    return failures === 0
      ? ms
      : Math.max(ms, [2000, 4000, 10_000][Math.min(failures, 3) - 1] ?? ms);
  };
}
