import { Anchor, Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { resetPassword, sendResetCode } from '../../app/cognito';
import { Strip } from '../../components/Meaning';
import { reasonOf } from './LogInForm';
import { Gate } from './LogInPage';
import { strong } from './password';
import { t } from './words';

export function ForgotPage() {
  const navigate = useNavigate();
  const [email, setEmail] = useState('');
  const [sent, setSent] = useState(false);
  const [code, setCode] = useState('');
  const [password, setPassword] = useState('');
  const [fields, setFields] = useState<Record<string, string>>({});
  const [wrong, setWrong] = useState<string>();
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent) {
    event.preventDefault();
    const missing: Record<string, string> = {};
    if (!/^\S+@\S+$/.test(email.trim())) missing.email = t('emailShape');
    if (sent && !/^\d{6}$/.test(code.trim())) missing.code = t('needed');
    if (sent && !strong(password)) missing.password = t('rule');
    setFields(missing);
    if (Object.keys(missing).length > 0 || busy) return;
    setBusy(true);
    setWrong(undefined);
    try {
      if (sent) {
        await resetPassword(email.trim(), code.trim(), password);
        await navigate({ to: '/login', search: { changed: 'yes' } });
      } else {
        await sendResetCode(email.trim());
        setSent(true);
      }
    } catch (error) {
      setWrong(reasonOf(error));
    } finally {
      setBusy(false);
    }
  }

  return (
    <Gate title={t('forgotTitle')}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          {wrong && (
            <div role="alert">
              <Strip meaning="bad">{wrong}</Strip>
            </div>
          )}
          {sent ? (
            <Strip meaning="good" live>
              {t('sent', { email: email.trim() })}
            </Strip>
          ) : (
            <Text>{t('forgotIntro')}</Text>
          )}
          <TextInput
            label={t('email')}
            type="email"
            autoComplete="username"
            value={email}
            readOnly={sent}
            error={fields.email}
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
          {sent && (
            <>
              <TextInput
                label={t('code')}
                inputMode="numeric"
                autoComplete="one-time-code"
                maxLength={6}
                value={code}
                error={fields.code}
                onChange={(event) => setCode(event.currentTarget.value)}
              />
              <PasswordInput
                label={t('newPassword')}
                description={t('rule')}
                autoComplete="new-password"
                value={password}
                error={fields.password}
                onChange={(event) => setPassword(event.currentTarget.value)}
              />
            </>
          )}
          <Button type="submit" loading={busy} fullWidth size="md">
            {t(sent ? 'setPassword' : 'sendCode')}
          </Button>
          <Anchor component={Link} to="/login" ta="center">
            {t('back')}
          </Anchor>
        </Stack>
      </form>
    </Gate>
  );
}
