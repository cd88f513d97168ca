/** Settings > Company Account > Account Settings: the account, and who may open it. */

import {
  Checkbox,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { reasonsByField } from '../../api/problem';
import { accountQuery, useAccount, useUid } from '../../app/account';
import { ConflictDialog, isStale } from '../../components/Conflict';
import { Strip } from '../../components/Meaning';
import { ProblemNotice } from '../../components/Notice';
import { Page, Panel, RoleGate } from '../../components/Page';
import { Part } from '../../components/Part';
import { SaveBar } from '../../components/SaveBar';
import { Team } from './Team';
import { t } from './words';

type Account = Schemas['AccountAnswer'];
type Draft = Record<string, string>;

const FIELDS = [
  { key: 'name', label: t('name') },
  { key: 'time_zone', label: t('zone') },
  { key: 'currency', label: t('currency') },
  { key: 'sync_hour', label: t('syncHour') },
  { key: 'sync_every_hours', label: t('syncEvery') },
  { key: 'minimum_age', label: t('age') },
  { key: 'merge_on_name_and_birth_date', label: t('join') },
  { key: 'counter_pin', label: t('pin') },
  { key: 'placeholders', label: t('placeholders') },
];
const BOXES = ['merge_on_name_and_birth_date', 'counter_pin'];
const RECOUNTS = ['time_zone', 'minimum_age', 'merge_on_name_and_birth_date', 'placeholders'];

/** The account as texts, so that two versions of it can be compared field by field. */
function draftOf(account: Account): Draft {
  return {
    name: account.name,
    time_zone: account.time_zone,
    currency: account.currency,
    sync_hour: String(account.sync_hour),
    sync_every_hours: String(account.sync_every_hours),
    minimum_age: String(account.minimum_age),
    merge_on_name_and_birth_date: String(account.merge_on_name_and_birth_date),
    counter_pin: String(account.counter_pin),
    placeholders: account.placeholders.join('\n'),
  };
}

function changeOf(before: Draft, draft: Draft): Schemas['AccountChange'] {
  const change: Record<string, unknown> = {};
  for (const { key } of FIELDS) {
    const value = draft[key] ?? '';
    if (value === before[key]) continue;
    if (key === 'placeholders') {
      change[key] = value.split('\n').flatMap((line) => line.trim() || []);
    } else if (BOXES.includes(key)) change[key] = value === 'true';
    else if (['sync_hour', 'sync_every_hours', 'minimum_age'].includes(key)) {
      change[key] = value === '' ? null : Number(value);
    } else change[key] = value;
  }
  return change as Schemas['AccountChange'];
}

export function AccountPage() {
  const uid = useUid();
  const query = useQuery(accountQuery(uid));
  return (
    <Page
      title={t('title')}
      crumbs={[{ label: t('settings') }, { label: t('company') }, { label: t('title') }]}
      right="account:read"
    >
      <Part query={query}>{(account) => <General key={account.uid} account={account} />}</Part>
      <RoleGate right="team:read">
        <Team />
      </RoleGate>
    </Page>
  );
}

function General({ account }: { account: Account }) {
  const uid = useUid();
  const cache = useQueryClient();
  const may = useAccount().may('account:write');
  const [base, setBase] = useState(account);
  const [draft, setDraft] = useState(draftOf(account));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [done, setDone] = useState<string>();
  const [theirs, setTheirs] = useState<Account>();
  const before = draftOf(base);
  const dirty = FIELDS.some(({ key }) => draft[key] !== before[key]);
  const reasons = reasonsByField(error);

  async function save(of: Account, wanted: Draft) {
    setBusy(true);
    setError(undefined);
    setDone(undefined);
    const change = changeOf(draftOf(of), wanted);
    try {
      const saved = await call('patch', '/api/accounts/{uid}', {
        path: { uid },
        version: of.version,
        body: change,
      });
      cache.setQueryData(accountQuery(uid).queryKey, saved);
      setBase(saved);
      setDraft(draftOf(saved));
      setTheirs(undefined);
      setDone(t(RECOUNTS.some((key) => key in change) ? 'recount' : 'saved'));
    } catch (failure) {
      setError(failure);
      if (isStale(failure)) {
        setTheirs(await call('get', '/api/accounts/{uid}', { path: { uid } }));
      }
    } finally {
      setBusy(false);
    }
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    if (dirty && !busy) void save(base, draft);
  }
  const text = (key: string) => ({
    value: draft[key] ?? '',
    error: reasons[key],
    disabled: !may,
    onChange: (event: { currentTarget: { value: string } }) => {
      const { value } = event.currentTarget;
      setDraft((now) => ({ ...now, [key]: value }));
    },
  });
  const number = (key: string, min: number, max: number) => ({
    value: draft[key] ?? '',
    error: reasons[key],
    disabled: !may,
    min,
    max,
    clampBehavior: 'none' as const,
    onChange: (value: string | number) => setDraft((now) => ({ ...now, [key]: String(value) })),
  });
  return (
    <Panel title={t('general')} id="general">
      <form onSubmit={submit} noValidate>
        <Stack>
          {!may && <Text c="dimmed">{t('readOnly')}</Text>}
          {error !== undefined && !isStale(error) && <ProblemNotice error={error} />}
          {done && (
            <Strip meaning="good" live>
              {done}
            </Strip>
          )}
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <TextInput label={t('name')} {...text('name')} />
            <TextInput
              label={t('zone')}
              description={t('zoneHelp')}
              list="zones"
              {...text('time_zone')}
            />
            <Select
              label={t('currency')}
              data={['USD', 'CAD']}
              value={draft.currency ?? null}
              error={reasons.currency}
              disabled={!may}
              allowDeselect={false}
              onChange={(value) => setDraft((now) => ({ ...now, currency: value ?? '' }))}
            />
            <Select
              label={t('syncHour')}
              data={HOURS}
              value={draft.sync_hour ?? null}
              error={reasons.sync_hour}
              disabled={!may}
              allowDeselect={false}
              onChange={(value) => setDraft((now) => ({ ...now, sync_hour: value ?? '' }))}
            />
            <NumberInput label={t('syncEvery')} {...number('sync_every_hours', 1, 12)} />
            <NumberInput label={t('age')} {...number('minimum_age', 13, 30)} />
          </SimpleGrid>
          {BOXES.map((key) => (
            <Checkbox
              key={key}
              label={t(key === 'counter_pin' ? 'pin' : 'join')}
              description={t(key === 'counter_pin' ? 'pinHelp' : 'joinHelp')}
              checked={draft[key] === 'true'}
              disabled={!may}
              onChange={(event) => {
                const { checked } = event.currentTarget;
                setDraft((now) => ({ ...now, [key]: String(checked) }));
              }}
            />
          ))}
          <Textarea
            label={t('placeholders')}
            description={t('placeholdersHelp')}
            autosize
            minRows={2}
            maxRows={10}
            {...text('placeholders')}
          />
          <datalist id="zones">
            {ZONES.map((zone) => (
              <option key={zone} value={zone} />
            ))}
          </datalist>
          {may && <SaveBar dirty={dirty} busy={busy} onDiscard={() => setDraft(before)} />}
        </Stack>
      </form>
      {theirs && isStale(error) && (
        <ConflictDialog
          error={error}
          fields={FIELDS}
          before={before}
          theirs={draftOf(theirs)}
          yours={draft}
          onDiscard={() => {
            setBase(theirs);
            setDraft(draftOf(theirs));
            setTheirs(undefined);
            setError(undefined);
          }}
          onSave={(values) => {
            setBase(theirs);
            void save(theirs, values);
          }}
        />
      )}
    </Panel>
  );
}

const HOURS = Array.from({ length: 24 }, (_, hour) => ({
  value: String(hour),
  label: `${hour % 12 || 12}:00 ${hour < 12 ? 'AM' : 'PM'}`,
}));
const ZONES: string[] = Intl.supportedValuesOf('timeZone').filter((zone) =>
  zone.startsWith('America/'),
);
