/** What went wrong, who can mend it, and what to do; and the other states of a page without data. */

import { Anchor, Button, Group, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import { Offline, Problem } from '../api/problem';
import { useAccount } from '../app/account';
import { type Meaning, MeaningIcon, Strip } from './Meaning';
import { Said } from './Text';
import { t } from './words';

/** A thing of the page that stands in for its data. */
export function Empty({
  title,
  children,
  meaning = 'idle',
  action,
}: {
  title?: string;
  children: ReactNode;
  meaning?: Meaning;
  action?: ReactNode;
}) {
  return (
    <Stack align="center" gap="xs" py={32} px={16} ta="center">
      {title && (
        <Text fw={650} size="lg">
          {title}
        </Text>
      )}
      <Text c="dimmed" maw={520} component="div">
        {meaning !== 'idle' && <MeaningIcon of={meaning} />} {children}
      </Text>
      {action}
    </Stack>
  );
}

/** Counts the seconds down that the API asked us to wait; 0 once they are over. */
export function useWait(seconds: number | undefined): number {
  const [left, setLeft] = useState(Math.ceil(seconds ?? 0));
  useEffect(() => {
    setLeft(Math.ceil(seconds ?? 0));
    if (!seconds) return;
    const timer = window.setInterval(() => setLeft((now) => Math.max(0, now - 1)), 1000);
    return () => window.clearInterval(timer);
  }, [seconds]);
  return left;
}

/** An error in place of, or beside, what it concerns. `title`: the POS's, where one is concerned. */
export function ProblemNotice({
  error,
  retry,
  title,
  action,
}: {
  error: unknown;
  retry?: () => void;
  title?: string;
  action?: ReactNode;
}) {
  const account = useAccount();
  const waited = error instanceof Problem ? error.retryAfter : undefined;
  const left = useWait(waited);
  if (error instanceof Problem && error.status === 404) return <NotFound />;
  if (error instanceof Problem && error.status === 403) return <Forbidden account={account} />;
  const offline = error instanceof Offline;
  const actor = error instanceof Problem ? error.actor : 'us';
  const heading = offline
    ? t('noAnswer')
    : actor === 'you'
      ? t('youCanFix')
      : actor === 'the POS'
        ? title
          ? t('theirProblem', { title })
          : t('theirProblemUnnamed')
        : t('ours');
  const detail = offline
    ? t('noAnswerDetail')
    : error instanceof Problem
      ? error.message
      : t('broken');
  const reference = error instanceof Problem ? error.document.request_id : '';
  const tooFast = error instanceof Problem && error.status === 429;
  return (
    <div className="strip bad" role="alert" style={{ alignItems: 'flex-start' }}>
      <MeaningIcon of={offline ? 'warn' : 'bad'} size={18} />
      <div style={{ flex: '1 1 14rem' }}>
        <Text fw={650} component="p" m={0}>
          {heading}
        </Text>
        <div>
          {tooFast && left > 0 ? t('tooFast', { n: left }) : <Said>{detail}</Said>}
          {error instanceof Problem && error.fields.length > 0 && (
            <ul style={{ margin: '4px 0 0', paddingInlineStart: 20 }}>
              {error.fields.map((each) => (
                <li key={each.field}>
                  <Said>{each.reason}</Said>
                </li>
              ))}
            </ul>
          )}
        </div>
        {reference && actor === 'us' && (
          <Text size="xs" component="p" m={0}>
            {t('reference', { id: reference })}
          </Text>
        )}
      </div>
      <Group gap="xs">
        {action}
        {retry && (
          <Button variant="default" disabled={left > 0} onClick={retry}>
            {t('tryAgain')}
          </Button>
        )}
      </Group>
    </div>
  );
}

export function Forbidden({ account }: { account: { name: string; role: string } }) {
  return (
    <Empty title={t('forbiddenTitle')}>
      {t('forbidden', { role: account.role || UNNAMED, account: account.name || UNNAMED })}
    </Empty>
  );
}

const UNNAMED = '…';

export function NotFound() {
  const account = useAccount();
  return (
    <Empty
      title={t('notFoundTitle')}
      action={
        account.uid ? (
          <Anchor component={Link} to={`/a/${account.uid}`}>
            {t('toOverview')}
          </Anchor>
        ) : undefined
      }
    >
      {t('notFound', { account: account.name || 'AIQ' })}
    </Empty>
  );
}

/** A page whose part of the product is not installed: it says so. `thing`: what is missing. */
export function NotYet({ thing }: { thing: string }) {
  return <Empty title={t('notYetTitle')}>{t('notYet', { thing })}</Empty>;
}

/** What stands above data that could not be refreshed. */
export function StaleStrip({ at, retry }: { at: string; retry: () => void }) {
  return (
    <Strip
      meaning="warn"
      live
      action={
        <Button size="xs" variant="default" onClick={retry}>
          {t('tryAgain')}
        </Button>
      }
    >
      {t('stale', { at })}
    </Strip>
  );
}
