/** The settings of texts, and a test to one's own phone. */

import {
  Button,
  Group,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { reasonsByField } from '../../api/problem';
import { useAccount, useUid } from '../../app/account';
import { type Draft, useDraft } from '../../components/Draft';
import { Strip } from '../../components/Meaning';
import { ProblemNotice } from '../../components/Notice';
import { Panel } from '../../components/Page';
import { SaveBar } from '../../components/SaveBar';
import { Said } from '../../components/Text';
import { t } from './words';

type Texting = Schemas['TextingAnswer'];

const PLAIN = ['number', 'brand', 'opens', 'closes'];
const NUMBERS = ['request_limit', 'daily_cap', 'monthly_budget', 'start_after_minutes'];
const WORDINGS = ['request', 'confirmation', 'opt_out', 'help'] as const;
const WORDS = {
  request: [t('request'), t('requestHelp')],
  confirmation: [t('confirmation'), t('confirmationHelp')],
  opt_out: [t('optOut'), t('optOutHelp')],
  help: [t('help'), t('helpHelp')],
} as const;
const FIELDS = [
  { key: 'number', label: t('number') },
  { key: 'brand', label: t('brand') },
  { key: 'request_limit', label: t('limit') },
  { key: 'opens', label: t('opens') },
  { key: 'closes', label: t('closes') },
  { key: 'daily_cap', label: t('dailyCap') },
  { key: 'monthly_budget', label: t('monthly') },
  { key: 'start_after_minutes', label: t('start') },
  ...WORDINGS.map((key) => ({ key: key as string, label: WORDS[key][0] as string })),
];

function draftOf(texting: Texting): Draft {
  const { wordings, ...plain } = texting;
  const named = plain as unknown as Record<string, unknown>;
  return Object.fromEntries([
    ...[...PLAIN, ...NUMBERS].map((key) => [key, String(named[key] ?? '')]),
    ...WORDINGS.map((key) => [key, wordings[key]]),
  ]);
}

function changeOf(before: Draft, draft: Draft): Schemas['TextingChange'] {
  const change: Record<string, unknown> = {};
  const changed = (key: string) => draft[key] !== before[key];
  for (const key of PLAIN.filter(changed)) change[key] = draft[key] || null;
  for (const key of NUMBERS.filter(changed)) {
    change[key] = draft[key] === '' ? null : Number(draft[key]);
  }
  const words = WORDINGS.filter(changed).map((key) => [key, draft[key] || null]);
  if (words.length > 0) change.wordings = Object.fromEntries(words);
  return change as Schemas['TextingChange'];
}

export function TextingForm({ texting }: { texting: Texting }) {
  const uid = useUid();
  const cache = useQueryClient();
  const may = useAccount().may('settings:write');
  const form = useDraft<Texting>({
    thing: texting,
    fields: FIELDS,
    draftOf,
    save: async (on, before, wanted) => {
      const saved = await call('patch', '/api/accounts/{uid}/texting', {
        path: { uid },
        version: on.version,
        body: changeOf(before, wanted),
      });
      cache.setQueryData([uid, 'texting'], saved);
      return saved;
    },
    read: () => call('get', '/api/accounts/{uid}/texting', { path: { uid } }),
    said: () => t('saved'),
  });
  const { draft, put, reasons } = form;
  const text = (key: string) => ({
    value: draft[key] ?? '',
    error: reasons[key],
    disabled: !may,
    onChange: (event: { currentTarget: { value: string } }) => put(key, event.currentTarget.value),
  });
  const number = (key: string, most: number) => ({
    value: draft[key] ?? '',
    error: reasons[key],
    disabled: !may,
    min: 0,
    max: most,
    allowDecimal: false,
    clampBehavior: 'none' as const,
    onChange: (value: string | number) => put(key, value),
  });
  return (
    <Stack>
      {texting.status && (
        <Strip meaning="warn">
          <Said>{texting.status}</Said>
        </Strip>
      )}
      {texting.waiting > 0 && <Strip meaning="busy">{t('waiting', { n: texting.waiting })}</Strip>}
      {texting.this_month.unknown > 0 && (
        <Strip meaning="warn">{t('unknownMonth', { n: texting.this_month.unknown })}</Strip>
      )}
      <Panel>
        <form onSubmit={form.submit} noValidate>
          <Stack>
            {!may && <Text c="dimmed">{t('readOnly')}</Text>}
            {form.notices}
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <TextInput
                label={t('number')}
                description={t('numberHelp')}
                inputMode="tel"
                {...text('number')}
              />
              <TextInput label={t('brand')} {...text('brand')} />
              <TextInput
                type="time"
                label={t('opens')}
                description={t('hours')}
                {...text('opens')}
              />
              <TextInput
                type="time"
                label={t('closes')}
                description={t('hours')}
                {...text('closes')}
              />
              <Select
                label={t('limit')}
                data={[
                  { value: '1', label: t('one') },
                  { value: '2', label: t('two') },
                ]}
                value={draft.request_limit ?? null}
                error={reasons.request_limit}
                disabled={!may}
                allowDeselect={false}
                onChange={(value) => put('request_limit', value)}
              />
              <NumberInput label={t('start')} {...number('start_after_minutes', 10_080)} />
              <NumberInput
                label={t('dailyCap')}
                description={t('today', { n: texting.today.texts })}
                {...number('daily_cap', 100_000)}
              />
              <NumberInput
                label={t('monthly')}
                description={t('month', { n: texting.this_month.parts })}
                {...number('monthly_budget', 5_000_000)}
              />
            </SimpleGrid>
            <Text fw={650}>{t('wordings')}</Text>
            <Text c="dimmed">{t('brandWord')}</Text>
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              {WORDINGS.map((key) => (
                <div key={key}>
                  <Textarea
                    label={WORDS[key][0]}
                    description={WORDS[key][1]}
                    autosize
                    minRows={2}
                    maxRows={6}
                    {...text(key)}
                  />
                  <Text fz={12} c="dimmed" mt={4}>
                    {t('preview')}:{' '}
                    <bdi>{(draft[key] ?? '').replaceAll('{brand}', draft.brand ?? '')}</bdi>
                  </Text>
                </div>
              ))}
            </SimpleGrid>
            {may && <SaveBar dirty={form.dirty} busy={form.busy} onDiscard={form.discard} />}
          </Stack>
        </form>
      </Panel>
      {may && <SendTest />}
      {form.conflict}
    </Stack>
  );
}

function SendTest() {
  const uid = useUid();
  const [number, setNumber] = useState('');
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(false);
  async function submit(event: FormEvent) {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(undefined);
    setDone(false);
    try {
      await call('post', '/api/accounts/{uid}/texting/test', { path: { uid }, body: { number } });
      setDone(true);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }
  return (
    <Panel title={t('test')} id="test">
      <form onSubmit={submit} noValidate>
        <Stack>
          {error !== undefined && <ProblemNotice error={error} />}
          {done && (
            <Strip meaning="good" live>
              {t('testSent')}
            </Strip>
          )}
          <Group align="flex-end">
            <TextInput
              label={t('testNumber')}
              inputMode="tel"
              autoComplete="tel"
              value={number}
              error={reasonsByField(error).number}
              onChange={(event) => setNumber(event.currentTarget.value)}
              style={{ flex: '1 1 200px' }}
            />
            <Button type="submit" variant="default" loading={busy}>
              {t('sendTest')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Panel>
  );
}
