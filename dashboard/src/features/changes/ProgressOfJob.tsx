import { Progress, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useUid } from '../../app/account';
import { every } from '../../app/queries';
import { t as common } from '../../components/words';
import { t } from './words';

type Job = Schemas['JobAnswer'];

function isAlive(job: Job | undefined): boolean {
  return job === undefined || job.state === 'queued' || job.state === 'running';
}

/** The background work after a change, while it goes on and until it is read once as done. */
export function ProgressOfJob({ job }: { job: Job }) {
  const uid = useUid();
  const cache = useQueryClient();
  const read = useQuery({
    queryKey: [uid, 'jobs', job.id],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/jobs/{job}', { path: { uid, job: job.id }, signal }),
    initialData: job,
    refetchInterval: every<Job>(2000, isAlive),
  });
  const now = read.data;
  const alive = isAlive(now);
  const was = useRef(alive);
  const [began] = useState(alive);
  useEffect(() => {
    if (was.current && !alive) {
      for (const key of ['integrations', 'personas', 'loyalty', 'store-keys', 'notifications']) {
        void cache.invalidateQueries({ queryKey: [uid, key] });
      }
    }
    was.current = alive;
  }, [alive, cache, uid]);
  if (!began) return null; // it was done before anybody looked
  const words =
    now.state === 'queued'
      ? common('jobQueued')
      : now.state === 'running'
        ? common('jobRunning', { done: now.done, total: Math.max(now.total, now.done) })
        : now.state === 'done'
          ? common('jobDone', { changed: now.changed })
          : common('jobSuperseded');
  const part = now.total > 0 ? Math.min(99, (100 * now.done) / now.total) : 0;
  return (
    <Stack gap={4} role="status">
      <Text fz={12}>{words}</Text>
      {alive && (
        <Progress.Root size="sm">
          <Progress.Section value={part} aria-label={t('working')} />
        </Progress.Root>
      )}
    </Stack>
  );
}
