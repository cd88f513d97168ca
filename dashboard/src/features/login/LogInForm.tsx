import { Anchor, Button, Checkbox, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { logIn, type Step } from '../../app/cognito';
import { beginSession, staysLoggedIn } from '../../app/session';
import { Strip } from '../../components/Meaning';
import { strong } from './password';
import { t } from './words';

/** What to say of Cognito's refusal. */
export function reasonOf(error: unknown): string {
  const { name = '', message = '' } = error as { name?: string; message?: string };
  if (/expired/i.test(message) && name === 'NotAuthorizedException') return t('expired');
  switch (name) {
    case 'NotAuthorizedException':
    case 'UserNotFoundException':
      return /attempts exceeded/i.test(message) ? t('tooMany') : t('wrong');
    case 'CodeMismatchException':
    case 'EnableSoftwareTokenMFAException':
      return t('wrongCode');
    case 'ExpiredCodeException':
      return t('codeOver');
    case 'LimitExceededException':
    case 'TooManyRequestsException':
    case 'TooManyFailedAttemptsException':
      return t('tooMany');
    case 'InvalidPasswordException':
      return t('weak', { rule: t('rule') });
    case 'NetworkError':
      return t('noNetwork');
    default:
      return /network|fetch/i.test(message) ? t('noNetwork') : t('failed');
  }
}

/** E-mail and password, then whatever Cognito asks for, until the session has begun. */
export function LogInForm({ email: known, onDone }: { email?: string; onDone: () => void }) {
  const [step, setStep] = useState<Exclude<Step, { kind: 'in' }> | undefined>();
  const [email, setEmail] = useState(known ?? '');
  const [password, setPassword] = useState('');
  const [stay, setStay] = useState(staysLoggedIn());
  const [typed, setTyped] = useState('');
  const [again, setAgain] = useState('');
  const [wrong, setWrong] = useState<string>();
  const [fields, setFields] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const first = useRef<HTMLInputElement>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each step begins at its first field
  useEffect(() => {
    first.current?.focus();
  }, [step]);

  async function go(act: () => Promise<Step>) {
    setBusy(true);
    setWrong(undefined);
    try {
      const next = await act();
      if (next.kind === 'in') {
        beginSession(next.tokens, stay);
        onDone();
        return;
      }
      setTyped('');
      setStep(next);
    } catch (error) {
      setWrong(reasonOf(error));
    } finally {
      setBusy(false);
    }
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    if (busy) return;
    const missing: Record<string, string> = {};
    if (!step) {
      if (!/^\S+@\S+$/.test(email.trim())) missing.email = t('emailShape');
      if (!password) missing.password = t('needed');
    } else if (step.kind === 'new_password') {
      if (!strong(typed)) missing.typed = t('rule');
      else if (typed !== again) missing.again = t('differ');
    } else if (!/^\d{6}$/.test(typed.trim())) missing.typed = t('needed');
    setFields(missing);
    if (Object.keys(missing).length > 0) return;
    void go(() => (step ? step.answer(typed.trim()) : logIn(email.trim(), password)));
  }

  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        {wrong && (
          <div role="alert">
            <Strip meaning="bad">{wrong}</Strip>
          </div>
        )}
        {!step && (
          <>
            <TextInput
              ref={known ? undefined : first}
              label={t('email')}
              type="email"
              name="email"
              autoComplete="username"
              value={email}
              readOnly={known !== undefined}
              error={fields.email}
              onChange={(event) => setEmail(event.currentTarget.value)}
            />
            <PasswordInput
              ref={known ? first : undefined}
              label={t('password')}
              name="password"
              autoComplete="current-password"
              value={password}
              error={fields.password}
              onChange={(event) => setPassword(event.currentTarget.value)}
            />
            <Checkbox
              label={t('stay')}
              checked={stay}
              onChange={(event) => setStay(event.currentTarget.checked)}
            />
          </>
        )}
        {step?.kind === 'new_password' && (
          <>
            <Text>{t('newIntro')}</Text>
            <PasswordInput
              ref={first}
              label={t('newPassword')}
              description={t('rule')}
              autoComplete="new-password"
              value={typed}
              error={fields.typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
            />
            <PasswordInput
              label={t('again')}
              autoComplete="new-password"
              value={again}
              error={fields.again}
              onChange={(event) => setAgain(event.currentTarget.value)}
            />
          </>
        )}
        {step?.kind === 'code' && (
          <TextInput
            ref={first}
            label={t('code')}
            description={t('codeHelp')}
            inputMode="numeric"
            autoComplete="one-time-code"
            maxLength={6}
            value={typed}
            error={fields.typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        )}
        <Button type="submit" loading={busy} fullWidth size="md">
          {t(!step ? 'logIn' : step.kind === 'code' ? 'verify' : 'savePassword')}
        </Button>
        {!step && known === undefined && (
          <Anchor component={Link} to="/login/forgot" ta="center">
            {t('forgot')}
          </Anchor>
        )}
      </Stack>
    </form>
  );
}
