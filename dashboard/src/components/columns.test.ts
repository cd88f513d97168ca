import { expect, test } from 'vitest';
import { hiddenFrom, shownColumns } from './columns';
import type { Column } from './DataList';

const columns = ['name', 'phone', 'points'].map(
  (key) => ({ key, title: key, cell: () => key }) as Column<unknown>,
);
const keys = (hidden: string[]) => shownColumns(columns, hidden).map((each) => each.key);

test('a column that was put away is not shown, and the first always is', () => {
  expect(keys(['phone'])).toEqual(['name', 'points']);
  expect(keys(['name', 'phone', 'points'])).toEqual(['name']);
  expect(keys(['one that is no more'])).toEqual(['name', 'phone', 'points']);
});

test('a choice that cannot be read is none', () => {
  expect(hiddenFrom('phone,points')).toEqual(['phone', 'points']);
  expect(hiddenFrom(null)).toEqual([]);
  expect(hiddenFrom('{"no": "list"}')).toEqual([]);
});
