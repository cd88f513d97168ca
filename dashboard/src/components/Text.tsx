/** Small pieces of text: what a POS said, emphasis, times with their age, fields to copy. */

import { ActionIcon, Button, UnstyledButton } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useState } from 'react';
import { useFormat, useNow } from '../app/account';
import { cut, emphasised, formatAge, formatSpan, formatUntil, UNKNOWN } from './format';
import { type Meaning, StatusPill } from './Meaning';
import { t } from './words';

/** Text of a POS or a shopper: never markup, its direction its own, cut until it is asked for. */
export function Foreign({ children, most = 80 }: { children: string | null; most?: number }) {
  const [whole, setWhole] = useState(false);
  if (!children) return <>{UNKNOWN}</>;
  const short = cut(children, most);
  if (short === children) return <bdi dir="auto">{children}</bdi>;
  return (
    <>
      <bdi dir="auto">{whole ? children : short}</bdi>{' '}
      <UnstyledButton
        onClick={(event) => {
          event.preventDefault();
          setWhole(!whole);
        }}
        aria-expanded={whole}
        style={{ fontSize: 12, color: 'var(--primary)' }}
      >
        {t(whole ? 'showLess' : 'showMore')}
      </UnstyledButton>
    </>
  );
}

/** Such a text in a table, cut to its column; its own page shows all of it. */
export function OneLine({ children, long }: { children: string | null; long?: boolean }) {
  if (!children) return <>{UNKNOWN}</>;
  return (
    <bdi dir="auto" className={long ? 'one-line long' : 'one-line'} title={cut(children, 200)}>
      {cut(children, long ? 120 : 60)}
    </bdi>
  );
}

/** A sentence of the API in which `*x*` is emphasis, and nothing else is markup; its days and times
 * are written as the account writes them. */
export function Said({ children }: { children: string }) {
  const format = useFormat();
  return (
    <>
      {emphasised(format.sentence(children)).map((run, at) =>
        // biome-ignore lint/suspicious/noArrayIndexKey: runs of a text have no other name
        run.strong ? <strong key={at}>{run.text}</strong> : <span key={at}>{run.text}</span>,
      )}
    </>
  );
}

/** `2 h ago` with the time beside it; only the time for what is over a week old. */
export function LocalTime({ at, both = false }: { at: string | null | undefined; both?: boolean }) {
  const format = useFormat();
  const now = useNow();
  if (!at) return <>{UNKNOWN}</>;
  const age = formatAge(at, now);
  const full = format.instant(at);
  if (!age) return <time dateTime={at}>{full}</time>;
  return (
    <time dateTime={at} title={full}>
      {both ? `${age}, ${full}` : age}
    </time>
  );
}

/** When something will be: `in 3 h, 6:10 PM`. */
export function Until({ at }: { at: string }) {
  const format = useFormat();
  const now = useNow();
  const soon = formatUntil(at, now);
  return (
    <time dateTime={at} title={format.instant(at)}>
      {soon ? `${soon}, ${format.time(at)}` : format.instant(at)}
    </time>
  );
}

export function Day({ day }: { day: string | null | undefined }) {
  const format = useFormat();
  return <time dateTime={day ?? undefined}>{format.day(day)}</time>;
}

export function PointsText({ value }: { value: number | null | undefined }) {
  return <>{useFormat().points(value)}</>;
}

export function MoneyText({ minor, currency }: { minor: number | null; currency?: string }) {
  return <>{useFormat().money(minor, currency)}</>;
}

const DAY_MS = 24 * 3_600_000;

export function isStale(at: string | null | undefined, now: number): boolean {
  return at != null && now - Date.parse(at) > DAY_MS;
}

/** How fresh a source is by its last good sync; over a day it is said as trouble. */
export function FreshnessBadge({ at }: { at: string | null | undefined }) {
  const now = useNow();
  const format = useFormat();
  if (!at) return <StatusPill meaning="idle" word={t('never')} />;
  const stale = isStale(at, now);
  const meaning: Meaning = stale ? 'warn' : 'good';
  const word = stale
    ? t('noGoodSync', { age: formatSpan(now - Date.parse(at)) })
    : t('synced', { age: formatAge(at, now) ?? format.instant(at) });
  return <StatusPill meaning={meaning} word={word} reason={format.instant(at)} />;
}

/** A value that somebody types elsewhere, with a button that copies it. */
export function CopyField({
  value,
  label,
  asButton,
}: {
  value: string;
  label: string;
  asButton?: string;
}) {
  const [copied, setCopied] = useState(false);
  async function copy() {
    await navigator.clipboard.writeText(value).catch(() => undefined);
    setCopied(true);
    window.setTimeout(() => setCopied(false), 2000);
  }
  const icon = copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />;
  if (asButton) {
    return (
      <Button variant="default" leftSection={icon} onClick={copy}>
        {copied ? t('copied') : asButton}
      </Button>
    );
  }
  return (
    <span style={{ display: 'inline-flex', alignItems: 'center', gap: 4 }}>
      <bdi>
        <code style={{ fontSize: 14 }}>{value}</code>
      </bdi>
      <ActionIcon
        aria-label={t('copyOf', { label })}
        title={t(copied ? 'copied' : 'copy')}
        onClick={copy}
      >
        {icon}
      </ActionIcon>
      <span role="status" className="unseen">
        {copied ? t('copied') : ''}
      </span>
    </span>
  );
}
