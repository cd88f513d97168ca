/** What the Integration Grid says of each platform: all that tells one from another on screen. */

import { useQuery } from '@tanstack/react-query';
import { callPublic, type Schemas } from '../api/client';

type Grid = Schemas['GridAnswer'];
type Column = Schemas['GridColumn'];

export const gridQuery = {
  queryKey: ['grid'],
  queryFn: async () => (await callPublic<Grid>('/api/grid')) ?? null,
  staleTime: 600_000,
};

/** Every platform, by title; none until they are known. */
export function usePlatforms(): readonly Column[] {
  return useQuery(gridQuery).data?.platforms ?? [];
}

/** The colour of a platform, as the theme has it; of our own sources the forms'. */
export function colourOf(platforms: readonly Column[], source: string): string {
  const found = platforms.find((each) => each.platform === source);
  return `var(--source-${found?.symbol.colour ?? 'forms'})`;
}
