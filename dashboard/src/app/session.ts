/** Who is logged in: kept in the browser, renewed before it ends, asked for again when it ended. */

import { useSyncExternalStore } from 'react';
import { refresh, revoke, type Tokens } from './cognito';

export interface Session extends Tokens {
  email: string;
  sub: string;
  /** Epoch seconds at which the ID token ends. */
  ends: number;
}

const KEY = 'aiq-session';
const SPARE_SECONDS = 60;

type Listener = () => void;
const listeners = new Set<Listener>();
let current: Session | undefined = read();
/** Set while the page waits for the person to log in again. */
let ended: { email: string; resume: () => void; wait: Promise<void> } | undefined;

function stores(): Storage[] {
  try {
    return [window.localStorage, window.sessionStorage];
  } catch {
    return [];
  }
}

function read(): Session | undefined {
  for (const store of stores()) {
    const text = store.getItem(KEY);
    if (text) {
      try {
        return JSON.parse(text) as Session;
      } catch {
        store.removeItem(KEY);
      }
    }
  }
  return undefined;
}

function keep(session: Session, stays: boolean): void {
  forget();
  const [local, tab] = stores();
  (stays ? local : tab)?.setItem(KEY, JSON.stringify(session));
}

function forget(): void {
  for (const store of stores()) store.removeItem(KEY);
}

function tell(): void {
  for (const listener of listeners) listener();
}

function claims(token: string): { email: string; sub: string; exp: number } {
  const middle = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
  const bytes = Uint8Array.from(atob(middle), (char) => char.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

function asSession(tokens: Tokens): Session {
  const said = claims(tokens.id);
  return { ...tokens, email: said.email, sub: said.sub, ends: said.exp };
}

/** Whether the session outlives the browser's tab. */
export function staysLoggedIn(): boolean {
  return stores()[0]?.getItem(KEY) != null;
}

/**
 * Begins a session. When it was asked for over a page, the page goes on; for another person than
 * before it starts anew, empty.
 */
export function beginSession(tokens: Tokens, stays: boolean): void {
  const before = current?.sub;
  current = asSession(tokens);
  keep(current, stays);
  if (ended && before && before !== current.sub) {
    window.location.assign('/');
    return;
  }
  const waiting = ended;
  ended = undefined;
  waiting?.resume();
  tell();
}

export async function logOut(): Promise<void> {
  const token = current?.refresh;
  current = undefined;
  ended = undefined;
  forget();
  tell();
  if (token) await revoke(token).catch(() => undefined);
}

let renewing: Promise<void> | undefined;

async function renew(session: Session): Promise<void> {
  try {
    const fresh = await refresh(session.refresh);
    current = asSession({ ...session, ...fresh });
    keep(current, staysLoggedIn());
    tell();
  } catch (error) {
    if ((error as Error).name === 'NetworkError') return; // the request itself will tell
    await askAgain(session);
  }
}

function askAgain(session: Session): Promise<void> {
  if (!ended) {
    let resume: () => void = () => undefined;
    const wait = new Promise<void>((resolve) => {
      resume = resolve;
    });
    ended = { email: session.email, resume, wait };
    tell();
  }
  return ended.wait;
}

/** An ID token that is good for a while. Waits while the person logs in again. */
export async function idToken(): Promise<string> {
  if (ended) await ended.wait;
  const session = current;
  if (!session) return new Promise<string>(() => undefined); // the log-in page is coming
  if (session.ends - SPARE_SECONDS < Date.now() / 1000) {
    renewing ??= renew(session).finally(() => {
      renewing = undefined;
    });
    await renewing;
    if (ended) return idToken();
  }
  return (current ?? session).id;
}

/** The API did not take this token, `times` in a row: renew it, then ask the person. */
export async function endSession(token: string, times: number): Promise<void> {
  const session = current;
  if (!session || session.id !== token) return; // renewed meanwhile
  if (times > 1) {
    await askAgain(session);
    return;
  }
  renewing ??= renew(session).finally(() => {
    renewing = undefined;
  });
  await renewing;
}

function subscribe(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function session(): Session | undefined {
  return current;
}
export function useSession(): Session | undefined {
  return useSyncExternalStore(subscribe, session);
}
/** The e-mail of whoever must log in again over the page. */
export function useEndedSession(): string | undefined {
  return useSyncExternalStore(subscribe, () => ended?.email);
}

// Logged out or in in another tab.
if (typeof window !== 'undefined') {
  window.addEventListener('storage', (event) => {
    if (event.key !== KEY || !staysLoggedInElsewhere(event)) return;
    const now = read();
    if (now && current && now.sub !== current.sub) window.location.assign('/');
    current = now;
    tell();
  });
}

function staysLoggedInElsewhere(event: StorageEvent): boolean {
  return event.storageArea === window.localStorage;
}
