import { useQuery } from '@tanstack/react-query';
import { call, type Schemas } from '../../api/client';
import { every } from '../../app/queries';
import type { Meaning } from '../../components/Meaning';
import { t } from './words';

export type Notification = Schemas['NotificationAnswer'];

export const MEANING_OF: Record<Notification['severity'], Meaning> = {
  error: 'bad',
  warning: 'warn',
  info: 'idle',
};
const ORDER = ['error', 'warning', 'info'];

/** Worst first, then the oldest. */
export function worstFirst(notes: readonly Notification[]): Notification[] {
  return [...notes].sort(
    (a, b) =>
      ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity) ||
      a.raised_at.localeCompare(b.raised_at),
  );
}

/** The open notifications: the bell, Overview and the page read the same answer. */
export function useNotifications(uid: string, enabled = true) {
  return useQuery({
    enabled,
    queryKey: [uid, 'notifications', 'open'],
    queryFn: async ({ signal }) => {
      const said = await call('get', '/api/accounts/{uid}/notifications', {
        path: { uid },
        signal,
      });
      return { items: worstFirst(said.items) };
    },
    refetchInterval: every(60_000),
  });
}

/** A notification's link as an address of this account, whether or not it names one. */
export function placeOf(uid: string, link: string): string {
  const path = link.replace(/^https?:\/\/[^/]+/, '');
  return path.startsWith('/a/') ? path : `/a/${uid}${path.startsWith('/') ? path : `/${path}`}`;
}

/** A link's name: what one does there. */
export function actOf(note: Pick<Notification, 'kind' | 'link'>): string {
  if (/unmapped/.test(note.kind)) return t('match');
  if (/stores/.test(note.link)) return t('stores');
  if (/key_rejected|login_expired|permission|unreachable/.test(note.kind)) return t('fix');
  if (/texting/.test(note.link)) return t('replies');
  return t('look');
}
