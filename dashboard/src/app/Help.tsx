/** *Need help?*: the installation's chat, loaded when somebody asks for it, or else its link. */

import { UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { config } from './config';
import { t } from './words';

type Chat = 'closed' | 'loading' | 'open' | 'failed';
let chat: Chat = 'closed';
const listeners = new Set<() => void>();

function become(now: Chat): void {
  chat = now;
  for (const listener of listeners) listener();
}

/** Loads the widget, which shows its own button from then on. Another's script runs only when asked. */
function openChat(source: string): void {
  if (chat === 'loading' || chat === 'open') return;
  become('loading');
  const script = document.createElement('script');
  script.src = source;
  script.async = true;
  script.onload = () => become('open');
  script.onerror = () => {
    script.remove();
    become('failed');
  };
  document.body.append(script);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Where help is had: nothing where the installation has none, or its chat is open already. */
export function HelpLink() {
  const state = useSyncExternalStore(subscribe, () => chat);
  const help = useQuery({
    queryKey: ['config'],
    queryFn: config,
    staleTime: Number.POSITIVE_INFINITY,
  }).data?.help;
  const source = help?.chat_script;
  if (source && state !== 'failed') {
    if (state === 'open') return null;
    return (
      <UnstyledButton
        onClick={() => openChat(source)}
        style={{ color: 'var(--primary)', textDecoration: 'underline' }}
      >
        {t(state === 'loading' ? 'chatOpens' : 'help')}
      </UnstyledButton>
    );
  }
  if (!help?.url) return source ? <span role="status">{t('chatFailed')}</span> : null;
  return (
    <>
      {source && <span role="status">{t('chatFailed')} </span>}
      <a href={help.url} target="_blank" rel="noreferrer" style={{ color: 'var(--primary)' }}>
        {t('help')}
      </a>
    </>
  );
}

/** The same at the corner of every page. */
export function NeedHelp() {
  return (
    <div className="help">
      <HelpLink />
    </div>
  );
}
