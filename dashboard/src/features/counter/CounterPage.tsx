/** At the till, on a phone: look up, redeem, undo, sign up. One shopper at a time, cleared when idle. */

import { Button, Select, Stack, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, lazy, Suspense, useEffect, useRef, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { Offline } from '../../api/problem';
import { useUid } from '../../app/account';
import { Strip } from '../../components/Meaning';
import { ProblemNotice } from '../../components/Notice';
import { Page, Panel } from '../../components/Page';
import { Part } from '../../components/Part';
import { contactOf } from './once';
import { Wallet } from './Wallet';
import { t } from './words';
import './counter.css';

const SignUp = lazy(() => import('./SignUp'));

type Shopper = Schemas['ShopperAnswer'];
type Context = Schemas['CounterAnswer'];

const IDLE_MS = 60_000;
const STORE = 'aiq-counter-store';

export function CounterPage() {
  const uid = useUid();
  const context = useQuery({
    queryKey: [uid, 'counter'],
    queryFn: ({ signal }) => call('get', '/api/accounts/{uid}/counter', { path: { uid }, signal }),
    staleTime: 300_000,
  });
  return (
    <Page title={t('title')} right="counter:use">
      <div className="counter">
        <Part query={context}>{(said) => <Till context={said} />}</Part>
      </div>
    </Page>
  );
}

function storedStore(): string | null {
  try {
    return window.localStorage.getItem(STORE);
  } catch {
    return null;
  }
}

function Till({ context }: { context: Context }) {
  const uid = useUid();
  const [store, setStore] = useState<string | null>(storedStore());
  const [typed, setTyped] = useState('');
  const [shopper, setShopper] = useState<Shopper>();
  const [said, setSaid] = useState<string>();
  const [signing, setSigning] = useState(false);
  const [warnings, setWarnings] = useState<string[]>([]);
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const here = context.stores.find((each) => String(each.id) === store);

  function clear() {
    setShopper(undefined);
    setSigning(false);
    setWarnings([]);
    setTyped('');
    setSaid(undefined);
    setError(undefined);
    window.setTimeout(() => field.current?.focus(), 0);
  }
  useIdle(shopper !== undefined || signing || typed !== '', clear);

  async function find(event: FormEvent) {
    event.preventDefault();
    if (busy) return;
    setError(undefined);
    const contact = contactOf(typed);
    if (!contact) {
      setSaid(t('typeContact'));
      return;
    }
    setBusy(true);
    setSaid(undefined);
    try {
      const found = await call('post', '/api/accounts/{uid}/counter/lookup', {
        path: { uid },
        body: { phone: null, email: null, ...contact },
      });
      setShopper(found.shopper ?? undefined);
      if (!found.shopper) setSaid(t('email' in contact ? 'nobodyEmail' : 'nobodyPhone'));
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }

  if (shopper) {
    return (
      <Wallet
        shopper={shopper}
        context={context}
        store={here?.id}
        notes={warnings}
        onDone={clear}
      />
    );
  }
  if (signing) {
    return (
      <Suspense fallback={null}>
        <SignUp
          account={context.account}
          typed={typed}
          store={here?.id}
          onClose={clear}
          onSignedUp={(found, notes) => {
            setSigning(false);
            setWarnings([t('signedUp', { name: found.name || t('someone') }), ...notes]);
            setShopper(found);
          }}
        />
      </Suspense>
    );
  }
  return (
    <Panel>
      <form onSubmit={find} noValidate>
        <Stack>
          {context.stores.length > 0 && (
            <Select
              label={t('where')}
              data={context.stores.map((each) => ({ value: String(each.id), label: each.name }))}
              value={here ? store : null}
              clearable
              onChange={(value) => {
                setStore(value);
                try {
                  window.localStorage.setItem(STORE, value ?? '');
                } catch {
                  // Storage is off: asked again next time.
                }
              }}
            />
          )}
          <TextInput
            ref={field}
            size="lg"
            label={t('contact')}
            inputMode="tel"
            autoComplete="off"
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          {said && (
            <Strip meaning="idle" live>
              {said}
            </Strip>
          )}
          {error !== undefined &&
            (error instanceof Offline ? (
              <Strip meaning="warn" live>
                {t('offline')}
              </Strip>
            ) : (
              <ProblemNotice error={error} />
            ))}
          <Button type="submit" size="lg" loading={busy}>
            {t('find')}
          </Button>
          <Button variant="default" size="lg" onClick={() => setSigning(true)}>
            {t('signUp')}
          </Button>
        </Stack>
      </form>
    </Panel>
  );
}

/** Clears what is shown when nobody touched the page for a minute. */
function useIdle(shown: boolean, clear: () => void) {
  const act = useRef(clear);
  act.current = clear;
  useEffect(() => {
    if (!shown) return;
    let timer = window.setTimeout(() => act.current(), IDLE_MS);
    const again = () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => act.current(), IDLE_MS);
    };
    for (const kind of ['pointerdown', 'keydown'] as const) window.addEventListener(kind, again);
    return () => {
      window.clearTimeout(timer);
      for (const kind of ['pointerdown', 'keydown'] as const) {
        window.removeEventListener(kind, again);
      }
    };
  }, [shown]);
}
