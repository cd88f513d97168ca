/** Sign a shopper up at the counter: a member with points from now on. */

import { Checkbox, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { type FormEvent, useRef, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useReasons, useUid } from '../../app/account';
import { Panel } from '../../components/Page';
import { FormEnd } from './FormEnd';
import { contactOf, newKey } from './once';
import { Signature } from './Signature';
import { t } from './words';

type Shopper = Schemas['ShopperAnswer'];

interface Props {
  account: string;
  /** What was looked up before: becomes the phone or the e-mail. */
  typed: string;
  store?: number;
  onClose: () => void;
  onSignedUp: (shopper: Shopper, warnings: string[]) => void;
}

const NAMES = { mobilePhone: 'phone', birthDate: 'birth_date', firstName: 'first' } as const;

export default function SignUp({ account, typed, store, onClose, onSignedUp }: Props) {
  const uid = useUid();
  const key = useRef(newKey());
  const [told, setTold] = useState({
    phone: '',
    email: '',
    first: '',
    last: '',
    birth_date: '',
    signed_name: '',
    ...contactOf(typed),
  });
  const [consent, setConsent] = useState(false);
  const [signature, setSignature] = useState('');
  const [error, setError] = useState<unknown>();
  const [missing, setMissing] = useState(false);
  const [busy, setBusy] = useState(false);
  const reasons = useReasons()(error);
  for (const [theirs, ours] of Object.entries(NAMES)) reasons[ours] ??= reasons[theirs] ?? '';

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (busy) return;
    if (!told.phone.trim() && !told.email.trim()) {
      setMissing(true);
      document.getElementById('signup-phone')?.focus();
      return;
    }
    setBusy(true);
    setError(undefined);
    try {
      const done = await call('post', '/api/accounts/{uid}/counter/signup', {
        path: { uid },
        once: key.current,
        body: { ...told, consent, signature: consent ? signature : '', store: store ?? null },
      });
      onSignedUp(
        {
          contact_id: done.contact_id,
          name: `${told.first} ${told.last}`.trim(),
          last_four: told.phone.replace(/\D/g, '').slice(-4),
          member: done.member,
          points: 0,
        },
        done.warnings,
      );
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  }
  const text = (name: keyof typeof told) => ({
    id: `signup-${name}`,
    value: told[name],
    error: reasons[name] || (missing && name === 'phone' ? t('contactNeeded') : undefined),
    autoComplete: 'off',
    onChange: (event: { currentTarget: { value: string } }) => {
      const { value } = event.currentTarget;
      setMissing(false);
      setTold((now) => ({ ...now, [name]: value }));
    },
  });
  return (
    <Panel title={t('signUp')} id="signup">
      <form onSubmit={submit} noValidate>
        <Stack>
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            <TextInput label={t('phone')} inputMode="tel" maxLength={40} {...text('phone')} />
            <TextInput label={t('emailField')} type="email" maxLength={254} {...text('email')} />
            <TextInput label={t('first')} maxLength={100} {...text('first')} />
            <TextInput label={t('last')} maxLength={100} {...text('last')} />
            <TextInput label={t('birthDate')} type="date" {...text('birth_date')} />
          </SimpleGrid>
          <Checkbox
            label={t('consent')}
            description={t('consentHelp', { account })}
            checked={consent}
            onChange={(event) => setConsent(event.currentTarget.checked)}
          />
          {consent && (
            <>
              <Signature label={t('signature')} onDrawn={setSignature} />
              <TextInput
                label={t('signedName')}
                description={t('signedNameHelp')}
                maxLength={100}
                {...text('signed_name')}
              />
              <Text c="dimmed">{t('unsigned')}</Text>
            </>
          )}
          <FormEnd
            error={error}
            offline={t('offlineSignUp')}
            submit={t('signUpGo')}
            busy={busy}
            onClose={onClose}
          />
        </Stack>
      </form>
    </Panel>
  );
}
