/** A part of a page that is made of one answer: its loading, error and stale states in one place. */

import { Skeleton, Stack } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { Component, type ReactNode } from 'react';
import { Problem } from '../api/problem';
import { useFormat } from '../app/account';
import { NotYet, ProblemNotice, StaleStrip } from './Notice';
import { t } from './words';

export function Skeletons({ lines = 3, height = 40 }: { lines?: number; height?: number }) {
  return (
    <Stack gap="sm" className="late" role="status" aria-label={t('loading')}>
      {Array.from({ length: lines }, (_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: bars without a name
        <Skeleton key={at} height={height} radius={8} />
      ))}
    </Stack>
  );
}

/** Whether the installation's API has no such address: an older one than this page. */
export function isMissing(error: unknown): boolean {
  return (
    error instanceof Problem &&
    (error.status === 405 || (error.status === 404 && error.code !== 'not_found'))
  );
}

interface Props<T> {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
  skeleton?: ReactNode;
  title?: string;
  /** What the installation lacks when its API has no such address. */
  lacks?: string;
}

export function Part<T>({ query, children, skeleton, title, lacks }: Props<T>) {
  const format = useFormat();
  if (query.data === undefined) {
    if (!query.error) return <>{skeleton ?? <Skeletons />}</>;
    if (lacks && isMissing(query.error)) return <NotYet thing={lacks} />;
    return <ProblemNotice error={query.error} title={title} retry={() => void query.refetch()} />;
  }
  return (
    <Fence>
      {query.error !== null && (
        <StaleStrip at={format.time(query.dataUpdatedAt)} retry={() => void query.refetch()} />
      )}
      {children(query.data)}
    </Fence>
  );
}

/** Keeps what breaks in one part of a page from breaking the rest. */
export class Fence extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: undefined as unknown };
  static getDerivedStateFromError(error: unknown) {
    return { error };
  }
  override render() {
    if (this.state.error !== undefined) {
      return (
        <ProblemNotice error={this.state.error} retry={() => this.setState({ error: undefined })} />
      );
    }
    return this.props.children;
  }
}
