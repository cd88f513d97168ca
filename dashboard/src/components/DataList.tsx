/** A list of rows in a real table, page by page; on a phone its rows fold. */

import { Button, Stack, Text } from '@mantine/core';
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { useFormat } from '../app/account';
import { Empty, NotYet, ProblemNotice, StaleStrip } from './Notice';
import { isMissing, Skeletons } from './Part';
import { t } from './words';

export interface Column<Row> {
  key: string;
  title: string;
  cell: (row: Row) => ReactNode;
  number?: boolean;
  /** Shown before the value where rows fold. */
  label?: boolean;
  /** Takes a line of its own where rows fold: a list, a field, buttons. */
  whole?: boolean;
  /** Left out where rows fold. */
  wide?: boolean;
}

function classOf(column: Pick<Column<unknown>, 'number' | 'whole' | 'wide'>): string | undefined {
  const marks = (['number', 'whole', 'wide'] as const).filter((mark) => column[mark]);
  return marks.join(' ') || undefined;
}

interface TableProps<Row> {
  caption: string;
  columns: Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  linked?: boolean;
}

/** A table whose rows fold to a few lines on a phone. */
export function Table<Row>({ caption, columns, rows, rowKey, linked }: TableProps<Row>) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable
    // biome-ignore lint/a11y/useSemanticElements: a group that is no fieldset
    <div className="scroller" tabIndex={0} role="group" aria-label={caption}>
      <table className="table folding">
        <caption className="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.key} scope="col" className={column.number ? 'number' : undefined}>
                {column.title || <span className="unseen">{t('acts')}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)} className={linked ? 'linked' : undefined}>
              {columns.map((column) => (
                <td
                  key={column.key}
                  className={classOf(column)}
                  data-label={column.label ? column.title : undefined}
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface Page<Row> {
  items: Row[];
  next_cursor: string | null;
}

interface ListProps<Row> extends Omit<TableProps<Row>, 'rows'> {
  query: UseInfiniteQueryResult<InfiniteData<Page<Row>>>;
  empty: ReactNode;
  /** Set while filters are on: what undoes them. */
  clear?: () => void;
  lacks?: string;
}

export function DataList<Row>({ query, empty, clear, lacks, ...table }: ListProps<Row>) {
  const format = useFormat();
  const { data, hasNextPage, isFetching, error, fetchNextPage } = query;
  const none = data?.pages.every((page) => page.items.length === 0) ?? false;
  useEffect(() => {
    if (none && hasNextPage && !isFetching && !error) void fetchNextPage();
  }, [none, hasNextPage, isFetching, error, fetchNextPage]);
  if (query.data === undefined) {
    if (!query.error) {
      return (
        <div style={{ padding: 16 }}>
          <Skeletons lines={6} height={32} />
        </div>
      );
    }
    if (lacks && isMissing(query.error)) return <NotYet thing={lacks} />;
    return <ProblemNotice error={query.error} retry={() => void query.refetch()} />;
  }
  // Pages of a filtered list may be empty with more to come.
  const rows = query.data.pages.flatMap((page) => page.items);
  const failed = query.error !== null;
  return (
    <Stack gap={0}>
      {failed && (
        <StaleStrip at={format.time(query.dataUpdatedAt)} retry={() => void query.refetch()} />
      )}
      {rows.length === 0 ? (
        query.hasNextPage ? (
          <Skeletons lines={4} height={32} />
        ) : clear ? (
          <Empty
            action={
              <Button variant="default" onClick={clear}>
                {t('clearFilters')}
              </Button>
            }
          >
            {t('noMatch')}
          </Empty>
        ) : (
          empty
        )
      ) : (
        <Table {...table} rows={rows} />
      )}
      {query.hasNextPage && (
        <Text ta="center" p="sm" component="div">
          <Button
            variant="default"
            loading={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            {t('loadMore')}
          </Button>
        </Text>
      )}
    </Stack>
  );
}
