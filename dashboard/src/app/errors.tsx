import { Button } from '@mantine/core';
import { Empty, NotFound, ProblemNotice } from '../components/Notice';
import { t } from '../components/words';

const LOST = /dynamically imported module|module script failed|error loading|preload/i;

/** A route that broke; one whose code is gone from the server says that there is a newer version. */
export function RouteBroken({ error, reset }: { error: unknown; reset?: () => void }) {
  if (error instanceof Error && LOST.test(error.message)) {
    return (
      <Empty
        title={t('newerTitle')}
        action={<Button onClick={() => window.location.reload()}>{t('reload')}</Button>}
      >
        {t('newer')}
      </Empty>
    );
  }
  return <ProblemNotice error={error} retry={reset} />;
}

export function RouteMissing() {
  return <NotFound />;
}
