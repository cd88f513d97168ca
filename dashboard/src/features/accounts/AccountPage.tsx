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
import { call, type Schemas } from '../../api/client';
import { accountQuery, useAccount, useUid } from '../../app/account';
import { yesOrNo } from '../../components/Conflict';
import { type Draft, useDraft } from '../../components/Draft';
import { Page, Panel, RoleGate } from '../../components/Page';
import { Part } from '../../components/Part';
import { SaveBar } from '../../components/SaveBar';
import { useCounted } from '../changes/useCounted';
import { Team } from './Team';
import { t } from './words';

type Account = Schemas['AccountAnswer'];

const FIELDS = [
  { key: 'name', label: t('name') },
  { key: 'time_zone', label: t('zone') },
  { key: 'currency', label: t('currency') },
  { key: 'locale', label: t('locale') },
  { key: 'sync_hour', label: t('syncHour') },
  { key: 'sync_every_hours', label: t('syncEvery') },
  { key: 'minimum_age', label: t('age') },
  { key: 'merge_on_name_and_birth_date', label: t('join'), show: yesOrNo },
  { key: 'counter_pin', label: t('pin'), show: yesOrNo },
  { key: 'placeholders', label: t('placeholders') },
];
const BOXES = ['merge_on_name_and_birth_date', 'counter_pin'];
/** What can join, enrol or remove people, or move points: counted before it is saved. */
const DECIDING = ['time_zone', 'minimum_age', 'merge_on_name_and_birth_date', 'placeholders'];

function draftOf(account: Account): Draft {
  return {
    name: account.name,
    time_zone: account.time_zone,
    currency: account.currency,
    locale: account.locale,
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
      {query.data && (
        <RoleGate right="team:read">
          <Team />
        </RoleGate>
      )}
    </Page>
  );
}

function General({ account }: { account: Account }) {
  const uid = useUid();
  const cache = useQueryClient();
  const may = useAccount().may('account:write');
  const { counted, dialog } = useCounted<Account>();
  const form = useDraft<Account>({
    thing: account,
    fields: FIELDS,
    draftOf,
    save: async (on, before, wanted) => {
      const change = changeOf(before, wanted);
      const patch = (token?: string) =>
        call('patch', '/api/accounts/{uid}', {
          path: { uid },
          version: on.version,
          body: token ? { ...change, token } : change,
        });
      const deciding = Object.entries(change).filter(([key]) => DECIDING.includes(key));
      const saved = await (deciding.length === 0
        ? patch()
        : counted({
            title: t('change'),
            right: 'account:write',
            begin: () =>
              call('post', '/api/accounts/{uid}/preview', {
                path: { uid },
                body: Object.fromEntries(deciding) as Schemas['DecidingChange'],
              }),
            save: patch,
          }));
      cache.setQueryData(accountQuery(uid).queryKey, saved);
      return saved;
    },
    read: () => call('get', '/api/accounts/{uid}', { path: { uid } }),
    said: (before, wanted) =>
      t(DECIDING.some((key) => wanted[key] !== before[key]) ? 'recount' : 'saved'),
  });
  const { draft, put, reasons } = form;
  const text = (key: string) => ({
    value: draft[key] ?? '',
    error: reasons[key],
    disabled: !may,
    onChange: (event: { currentTarget: { value: string } }) => put(key, event.currentTarget.value),
  });
  const number = (key: string, min: number, max: number) => ({
    value: draft[key] ?? '',
    error: reasons[key],
    disabled: !may,
    min,
    max,
    clampBehavior: 'none' as const,
    onChange: (value: string | number) => put(key, value),
  });
  return (
    <Panel title={t('general')} id="general">
      <form onSubmit={form.submit} noValidate>
        <Stack>
          {!may && <Text c="dimmed">{t('readOnly')}</Text>}
          {form.notices}
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
              onChange={(value) => put('currency', value)}
            />
            <Select
              label={t('locale')}
              description={t('localeHelp', {
                number: new Intl.NumberFormat(draft.locale || undefined).format(12_345.6),
              })}
              data={localesFor(draft.locale)}
              value={draft.locale ?? null}
              error={reasons.locale}
              disabled={!may}
              allowDeselect={false}
              searchable
              onChange={(value) => put('locale', value)}
            />
            <Select
              label={t('syncHour')}
              data={HOURS}
              value={draft.sync_hour ?? null}
              error={reasons.sync_hour}
              disabled={!may}
              allowDeselect={false}
              onChange={(value) => put('sync_hour', value)}
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
              onChange={(event) => put(key, String(event.currentTarget.checked))}
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
          {may && <SaveBar dirty={form.dirty} busy={form.busy} onDiscard={form.discard} />}
        </Stack>
      </form>
      {form.conflict}
      {dialog}
    </Panel>
  );
}

const LOCALES = ['en-US', 'en-CA', 'fr-CA', 'es-US'];

/** Languages to choose from, each in its own words; one that the account has already stays. */
function localesFor(own: string | undefined): { value: string; label: string }[] {
  return [...new Set([...LOCALES, ...(own ? [own] : [])])].map((value) => ({
    value,
    label: new Intl.DisplayNames([value], { type: 'language' }).of(value) ?? value,
  }));
}

const HOURS = Array.from({ length: 24 }, (_, hour) => ({
  value: String(hour),
  label: `${hour % 12 || 12}:00 ${hour < 12 ? 'AM' : 'PM'}`,
}));
const ZONES: string[] = Intl.supportedValuesOf('timeZone').filter((zone) =>
  zone.startsWith('America/'),
);
