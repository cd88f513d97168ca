import {
  IconAlertOctagon,
  IconAlertTriangle,
  IconCircle,
  IconCircleCheck,
  IconRefresh,
  IconSnowflake,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';

export type Meaning = 'good' | 'busy' | 'warn' | 'bad' | 'frozen' | 'idle';

const ICONS = {
  good: IconCircleCheck,
  busy: IconRefresh,
  warn: IconAlertTriangle,
  bad: IconAlertOctagon,
  frozen: IconSnowflake,
  idle: IconCircle,
} as const;

/** The worst of several meanings: what a group shows. */
export function worst(meanings: readonly Meaning[]): Meaning {
  const order: Meaning[] = ['bad', 'warn', 'frozen', 'busy', 'good', 'idle'];
  return order.find((each) => meanings.includes(each)) ?? 'idle';
}

export function MeaningIcon({ of, size = 16 }: { of: Meaning; size?: number }) {
  const Icon = ICONS[of];
  return <Icon size={size} aria-hidden stroke={2} style={{ flex: 'none' }} />;
}

/** A state in a word, with the colour and the icon of what it means. */
export function StatusPill({
  meaning,
  word,
  reason,
}: {
  meaning: Meaning;
  word: string;
  reason?: string;
}) {
  return (
    <span className={`pill ${meaning}`} title={reason}>
      <MeaningIcon of={meaning} size={14} />
      {word}
    </span>
  );
}

/** A line across the page or a part of it. `live` is read out when it appears. */
export function Strip({
  meaning,
  children,
  action,
  live = false,
}: {
  meaning: Meaning;
  children: ReactNode;
  action?: ReactNode;
  live?: boolean;
}) {
  return (
    <div className={`strip ${meaning}`} role={live ? 'status' : undefined}>
      <MeaningIcon of={meaning} size={18} />
      <div style={{ flex: '1 1 12rem' }}>{children}</div>
      {action}
    </div>
  );
}
