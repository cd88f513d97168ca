/** What a card's state means, in a word with a colour; the API's `health` decides. */

import type { Meaning } from '../../components/Meaning';
import type { Check, Summary } from './queries';
import { t } from './words';

export interface Pill {
  meaning: Meaning;
  word: string;
}

const STATES: Partial<Record<string, Pill>> = {
  not_connected: { meaning: 'idle', word: t('notConnected') },
  no_credential: { meaning: 'idle', word: t('notConnected') },
  disconnected: { meaning: 'idle', word: t('disconnected') },
  freezing: { meaning: 'frozen', word: t('freezing') },
  frozen: { meaning: 'frozen', word: t('frozen') },
  rolling_back: { meaning: 'frozen', word: t('rollingBack') },
  unfreezing: { meaning: 'frozen', word: t('unfreezing') },
  syncing: { meaning: 'busy', word: t('syncing') },
  waiting: { meaning: 'busy', word: t('syncing') },
  connected: { meaning: 'good', word: t('connected') },
  stale: { meaning: 'warn', word: t('stale') },
};

/** The card's pill: a state, or whose problem keeps it from syncing. */
export function pillOf(card: Pick<Summary, 'health' | 'title'>): Pill {
  const { code, actor, level } = card.health;
  const known = STATES[code];
  if (known) return known;
  if (actor === 'you') return { meaning: 'bad', word: t('needsYou') };
  if (actor === 'the POS')
    return { meaning: 'warn', word: t('theirProblem', { title: card.title }) };
  if (actor === 'us') return { meaning: 'warn', word: t('ourProblem') };
  return { meaning: level, word: t('connected') };
}

/** The sentence of a trouble code; undefined where there is none. */
export function troubleOf(code: string, title: string): string | undefined {
  switch (code) {
    case 'key_rejected':
      return t('keyRejectedShort', { title });
    case 'login_expired':
      return t('loginExpiredShort', { title });
    case 'permission_missing':
      return t('permissionShort', { title });
    case 'server_unreachable':
    case 'server_too_slow':
      return t('unreachableShort', { title });
    case 'server_untrusted':
      return t('untrustedShort', { title });
    case 'host_refused':
      return t('hostRefusedShort');
    case 'upstream':
    case 'unexpected_answer':
    case 'filter_ignored':
    case 'rate_limited':
      return t('upstreamShort', { title });
    case 'stale':
      return t('staleShort');
    default:
      return undefined;
  }
}

/** Who must act on what a check said. A server of the retailer's own is theirs to mend. */
export function actorOfCheck(
  check: Pick<Check, 'outcome' | 'code' | 'actor'>,
  ownServer: boolean,
): NonNullable<Check['actor']> {
  if (check.outcome === 'server_unreachable' && check.code !== 'host_refused') {
    return ownServer ? 'you' : 'the POS';
  }
  return check.actor ?? 'us';
}

const RANK: Meaning[] = ['bad', 'warn', 'busy', 'frozen', 'good', 'idle'];

/** Cards in need first, then those at work, then those not connected; by title within. */
export function inNeedFirst<C extends Pick<Summary, 'health' | 'title'>>(cards: readonly C[]): C[] {
  const rank = (card: C) => RANK.indexOf(pillOf(card).meaning);
  return [...cards].sort((a, b) => rank(a) - rank(b) || a.title.localeCompare(b.title));
}

/** Whether the card answers to what is typed: its title, or its word without spaces. */
export function matches(card: Pick<Summary, 'title' | 'platform'>, typed: string): boolean {
  const squeeze = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const wanted = squeeze(typed);
  return squeeze(card.title).includes(wanted) || card.platform.includes(wanted);
}

/** Whether settings and acts that call the POS are off, because the source stands still. */
export function standsStill(state: string): boolean {
  return state === 'freezing' || state === 'frozen' || state === 'unfreezing';
}
