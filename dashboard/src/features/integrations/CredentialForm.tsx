import {
  Button,
  Checkbox,
  Group,
  PasswordInput,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { Problem } from '../../api/problem';
import { useAccount, useReasons } from '../../app/account';
import { config } from '../../app/config';
import { ProblemNotice } from '../../components/Notice';
import { CheckOutcome } from './CheckOutcome';
import { hostOf, nameOfCredential } from './nameOfCredential';
import { type Card, type Check, useCardRefresh } from './queries';
import { t } from './words';

type Field = Schemas['CredentialFieldAnswer'];

/** What is wrong with a field as one types; undefined when nothing is. */
export function faultOf(field: Field, value: string): string | undefined {
  const text = value.trim();
  if (!text) return field.required ? t('needed') : undefined;
  if (field.pattern && !new RegExp(`^(?:${field.pattern})$`, 'u').test(text)) {
    return t('shape', { example: field.example });
  }
  return undefined;
}

/** One form for every platform, made from what the card says of its fields. */
export function CredentialForm({
  card,
  disabled,
  onSaved,
}: {
  card: Card;
  disabled: boolean;
  onSaved: (check: Check | null) => void;
}) {
  const account = useAccount();
  const reasonsOf = useReasons();
  const refresh = useCardRefresh(account.uid, card.platform);
  const installation = useQuery({
    queryKey: ['config'],
    queryFn: config,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const [values, setValues] = useState<Record<string, string>>({});
  const [history, setHistory] = useState('');
  const [http, setHttp] = useState(false);
  const [certificate, setCertificate] = useState(false);
  const [faults, setFaults] = useState<Record<string, string | undefined>>({});
  const [busy, setBusy] = useState(false);
  const [check, setCheck] = useState<Check>();
  const [error, setError] = useState<unknown>();
  const own = card.capabilities.own_server;

  function body(accepted = certificate) {
    const fields = Object.fromEntries(
      Object.entries(values)
        .map(([key, value]) => [key, value.trim()])
        .filter(([, value]) => value),
    );
    return own ? { fields, trust: { allow_http: http, accept_certificate: accepted } } : { fields };
  }

  async function act(what: () => Promise<void>) {
    setBusy(true);
    setError(undefined);
    setCheck(undefined);
    try {
      await what();
    } catch (failure) {
      const reasons = reasonsOf(failure);
      setFaults((before) => ({ ...before, ...reasons }));
      const placed =
        failure instanceof Problem &&
        failure.fields.length > 0 &&
        Object.keys(reasons).every((key) => card.credential_fields.some((f) => f.key === key));
      if (!placed) setError(failure);
      else {
        const first = card.credential_fields.find((field) => reasons[field.key]);
        document.getElementById(`field-${first?.key}`)?.focus();
      }
    } finally {
      setBusy(false);
    }
  }

  const path = { uid: account.uid, platform: card.platform };
  /** `sameAs`: the credential that this is a new key of; null for a new store; else not said. */
  async function save(accepted = certificate, sameAs?: string | null) {
    const whose = sameAs === undefined ? {} : { same_store_as: sameAs };
    const added = await call('post', '/api/accounts/{uid}/integrations/{platform}/credentials', {
      path,
      body: {
        ...body(accepted),
        ...whose,
        history_from: history || null,
      } as Schemas['CredentialInput'],
    });
    await refresh();
    onSaved(added.check ?? null);
  }
  async function tryKey(accepted = certificate) {
    const said = await call(
      'post',
      '/api/accounts/{uid}/integrations/{platform}/credentials/check',
      { path, body: body(accepted) },
    );
    if (said.outcome === 'ok') await save(accepted);
    else setCheck(said);
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    if (busy || disabled) return;
    const found = Object.fromEntries(
      card.credential_fields.map((field) => [field.key, faultOf(field, values[field.key] ?? '')]),
    );
    setFaults(found);
    const first = card.credential_fields.find((field) => found[field.key]);
    if (first) {
      document.getElementById(`field-${first.key}`)?.focus();
      return;
    }
    void act(() => tryKey());
  }

  const addresses = installation.data?.calls_from ?? [];
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          {card.credential_fields.map((field) => {
            const Input = field.secret ? PasswordInput : TextInput;
            return (
              <Input
                key={field.key}
                id={`field-${field.key}`}
                label={field.label}
                description={field.help}
                inputWrapperOrder={['label', 'input', 'description', 'error']}
                placeholder={field.secret ? undefined : field.example}
                required={field.required}
                withAsterisk={false}
                rightSectionWidth={field.secret ? 36 : field.required ? 0 : 76}
                {...(field.secret || field.required
                  ? {}
                  : {
                      rightSection: (
                        <Text fz={12} c="dimmed">
                          {t('optional')}
                        </Text>
                      ),
                    })}
                autoComplete="off"
                maxLength={field.max_length}
                value={values[field.key] ?? ''}
                error={faults[field.key]}
                onChange={(event) => {
                  setValues({ ...values, [field.key]: event.currentTarget.value });
                  setFaults({ ...faults, [field.key]: undefined });
                  setCheck(undefined);
                }}
                onBlur={() => {
                  const value = values[field.key] ?? '';
                  if (value.trim()) setFaults({ ...faults, [field.key]: faultOf(field, value) });
                }}
              />
            );
          })}
          <TextInput
            type="date"
            label={t('historyFrom')}
            description={t('historyHelp')}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            value={history}
            error={faults.history_from}
            onChange={(event) => setHistory(event.currentTarget.value)}
          />
        </SimpleGrid>
        {own && (
          <>
            <Checkbox
              label={t('allowHttp')}
              description={t('allowHttpHelp')}
              checked={http}
              onChange={(event) => setHttp(event.currentTarget.checked)}
            />
            <Text c="dimmed">
              {addresses.length > 0
                ? t('callsFrom', { address: addresses.join(', ') })
                : t('callsFromNowhere')}
            </Text>
          </>
        )}
        {busy && (
          <Text role="status" c="dimmed">
            {t('checking', { title: card.title })}
          </Text>
        )}
        {check && !busy && (
          <CheckOutcome
            check={check}
            card={card}
            host={hostOf(card, values)}
            again={() => void act(() => tryKey())}
            saveAnyway={() => void act(() => save())}
            accept={() => {
              setCertificate(true);
              void act(() => tryKey(true));
            }}
          />
        )}
        {error !== undefined && (
          <ProblemNotice
            error={error}
            title={card.title}
            action={
              error instanceof Problem && error.code === 'which_store' ? (
                <>
                  <Button variant="default" onClick={() => void act(() => save(certificate, null))}>
                    {t('newStore')}
                  </Button>
                  {card.credentials.map((each) => (
                    <Button
                      key={each.id}
                      variant="default"
                      onClick={() => void act(() => save(certificate, each.id))}
                    >
                      {t('newTokenFor', { name: nameOfCredential(card, each) })}
                    </Button>
                  ))}
                </>
              ) : undefined
            }
          />
        )}
        <Group justify="flex-end">
          <Button type="submit" variant="default" loading={busy} disabled={disabled}>
            {t('addCredential')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
