/** Which columns of a list are shown: a choice of this browser. */

import type { Column } from './DataList';

/** The columns that are shown: the first always, the others unless they were put away. */
export function shownColumns<Row>(
  columns: Column<Row>[],
  hidden: readonly string[],
): Column<Row>[] {
  return columns.filter((column, at) => at === 0 || !hidden.includes(column.key));
}

/** The stored choice; none where nothing, or something else, is stored. */
export function hiddenFrom(stored: string | null): string[] {
  return stored ? stored.split(',').filter((key) => /^\w+$/.test(key)) : [];
}
