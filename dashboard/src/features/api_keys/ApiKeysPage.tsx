/** Settings > API & Tracking: the UID, keys, and what was called with them. */

import { Button, Checkbox, Group, Radio, Select, Stack, Text, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAccount, useFormat, useReasons, useUid } from '../../app/account';
import { Confirm, Dialog } from '../../components/Confirm';
import { Table } from '../../components/DataList';
import { listed } from '../../components/format';
import { usePlatforms } from '../../components/grid';
import { StatusPill, Strip } from '../../components/Meaning';
import { Empty, ProblemNotice } from '../../components/Notice';
import { Page, Panel } from '../../components/Page';
import { Part } from '../../components/Part';
import { CopyField, Foreign, LocalTime } from '../../components/Text';
import { t as common } from '../../components/words';
import { cardsQuery } from '../integrations/queries';
import { storesQuery } from '../stores/queries';
import { WebhookSecrets } from './WebhookSecrets';
import { t } from './words';

type Key = Schemas['ApiKeyAnswer'];
const keysKey = (uid: string) => [uid, 'api-keys'];

/** The platforms that call us, and need a key for it. */
function usePushing() {
  return usePlatforms().filter((each) => each.pushes_signups);
}

export function ApiKeysPage() {
  const account = useAccount();
  const { uid } = account;
  const [creating, setCreating] = useState(false);
  const pushing = usePushing();
  const asking = { n: pushing.length, titles: listed(pushing.map((each) => each.title)) };
  const [made, setMade] = useState<{ secret: string }>();
  const keys = useQuery({
    queryKey: keysKey(uid),
    queryFn: ({ signal }) => call('get', '/api/accounts/{uid}/api-keys', { path: { uid }, signal }),
    enabled: account.may('keys:read'),
  });
  return (
    <Page
      title={t('title')}
      crumbs={[{ label: t('settings') }, { label: t('title') }]}
      intro={t('intro')}
      right="keys:read"
      actions={
        account.may('keys:write') && (
          <Button className="primary-act" onClick={() => setCreating(true)}>
            {t('create')}
          </Button>
        )
      }
    >
      <Panel title={t('uid')} id="uid">
        <Group gap="md">
          <CopyField value={uid} label={t('uid')} />
          {asking.n > 0 && <Text c="dimmed">{t('uidHelp', asking)}</Text>}
        </Group>
      </Panel>
      <Panel title={t('keys')} id="keys" padded={false}>
        <Part query={keys} lacks={t('keys')}>
          {(said) =>
            said.items.length === 0 ? (
              <Empty>
                {t('empty')} {asking.n > 0 && t('askedFor', asking)}
              </Empty>
            ) : (
              <Keys keys={said.items} onMade={setMade} />
            )
          }
        </Part>
      </Panel>
      <Panel title={t('webhooks')} id="webhooks">
        <WebhookSecrets onMade={setMade} />
      </Panel>
      {creating && <Create onClose={() => setCreating(false)} onMade={setMade} />}
      {made && <Secret made={made} onClose={() => setMade(undefined)} />}
    </Page>
  );
}

function Keys({ keys, onMade }: { keys: Key[]; onMade: (made: { secret: string }) => void }) {
  const uid = useUid();
  const account = useAccount();
  const format = useFormat();
  const cache = useQueryClient();
  const [replacing, setReplacing] = useState<Key>();
  const [revoking, setRevoking] = useState<Key>();
  const [shown, setShown] = useState<Key>();
  return (
    <>
      <Table
        caption={t('keys')}
        rows={keys}
        rowKey={(key) => key.id}
        columns={[
          { key: 'name', title: t('name'), cell: (key) => <Foreign>{key.name}</Foreign> },
          {
            key: 'for',
            title: t('for'),
            label: true,
            cell: (key) => key.platform ?? t('other'),
          },
          {
            key: 'created',
            title: t('created'),
            label: true,
            cell: (key) => <LocalTime at={key.created_at} />,
          },
          {
            key: 'used',
            title: t('used'),
            label: true,
            cell: (key) => (key.used_at ? <LocalTime at={key.used_at} /> : t('never')),
          },
          {
            key: 'state',
            title: t('state'),
            cell: (key) =>
              key.ends_at ? (
                <StatusPill meaning="warn" word={t('ends', { at: format.instant(key.ends_at) })} />
              ) : (
                <StatusPill meaning="good" word={t('inUse')} />
              ),
          },
          {
            key: 'acts',
            title: '',
            cell: (key) => (
              <Group gap="xs" justify="flex-end">
                <Button
                  size="xs"
                  variant="default"
                  aria-label={t('callsOf', { name: key.name })}
                  onClick={() => setShown(key)}
                >
                  {t('calls')}
                </Button>
                {account.may('keys:write') && (
                  <>
                    {!key.replaced_by && (
                      <Button
                        size="xs"
                        variant="default"
                        aria-label={t('replaceTitle', { name: key.name })}
                        onClick={() => setReplacing(key)}
                      >
                        {t('replace')}
                      </Button>
                    )}
                    <Button
                      size="xs"
                      variant="outline"
                      className="destructive"
                      aria-label={`${t('revoke')} ${key.name}`}
                      onClick={() => setRevoking(key)}
                    >
                      {t('revoke')}
                    </Button>
                  </>
                )}
              </Group>
            ),
          },
        ]}
      />
      {replacing && (
        <Replace of={replacing} onClose={() => setReplacing(undefined)} onMade={onMade} />
      )}
      {revoking && (
        <Confirm
          title={t('revokeTitle', { name: revoking.name })}
          button={t('revoke')}
          destructive
          onClose={() => setRevoking(undefined)}
          act={async () => {
            await call('delete', '/api/accounts/{uid}/api-keys/{key}', {
              path: { uid, key: revoking.id },
            });
            await cache.invalidateQueries({ queryKey: keysKey(uid) });
          }}
        >
          {t('revokeText')}
        </Confirm>
      )}
      {shown && <Calls of={shown} onClose={() => setShown(undefined)} />}
    </>
  );
}

function Create({
  onClose,
  onMade,
}: {
  onClose: () => void;
  onMade: (made: { secret: string }) => void;
}) {
  const account = useAccount();
  const { uid } = account;
  const cache = useQueryClient();
  const cards = useQuery({ ...cardsQuery(uid), enabled: account.may('integrations:read') });
  const stores = useQuery({ ...storesQuery(uid), enabled: account.may('stores:read') });
  const [name, setName] = useState('');
  const [first] = usePushing();
  const [platform, setPlatform] = useState<string>();
  const [store, setStore] = useState<string | null>(null);
  const [signed, setSigned] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [missing, setMissing] = useState<string>();
  const reasons = useReasons()(error);
  async function submit(event: FormEvent) {
    event.preventDefault();
    setMissing(name.trim() ? undefined : t('needed'));
    if (busy || !name.trim()) return;
    setBusy(true);
    setError(undefined);
    try {
      const made = await call('post', '/api/accounts/{uid}/api-keys', {
        path: { uid },
        body: {
          name: name.trim(),
          platform: (platform ?? first?.platform) || null,
          store: store ? Number(store) : null,
          captures_consent: signed || null,
        },
      });
      await cache.invalidateQueries({ queryKey: keysKey(uid) });
      onMade(made);
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  }
  const pushing = (cards.data?.items ?? []).map((card) => ({
    value: card.platform as string,
    label: card.title,
  }));
  return (
    <Dialog title={t('createTitle')} onClose={onClose}>
      <form onSubmit={submit} noValidate>
        <Stack>
          {error !== undefined && <ProblemNotice error={error} />}
          <TextInput
            label={t('name')}
            value={name}
            error={missing ?? reasons.name}
            maxLength={100}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Select
            label={t('for')}
            data={[...pushing, { value: '', label: t('other') }]}
            value={platform ?? first?.platform ?? ''}
            error={reasons.platform}
            allowDeselect={false}
            onChange={(value) => setPlatform(value ?? '')}
          />
          {stores.data && stores.data.items.length > 0 && (
            <Select
              label={t('store')}
              placeholder={t('anyStore')}
              data={stores.data.items.map((each) => ({
                value: String(each.id),
                label: each.name,
              }))}
              value={store}
              error={reasons.store}
              clearable
              onChange={setStore}
            />
          )}
          <Checkbox
            label={t('signed')}
            description={t('signedHelp')}
            checked={signed}
            error={reasons.captures_consent}
            onChange={(event) => setSigned(event.currentTarget.checked)}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {common('cancel')}
            </Button>
            <Button type="submit" loading={busy}>
              {t('create')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}

/** The one time that a key is shown. */
function Secret({ made, onClose }: { made: { secret: string }; onClose: () => void }) {
  return (
    <Dialog title={t('secretTitle')} onClose={onClose}>
      <Strip meaning="warn">{t('secret')}</Strip>
      <CopyField value={made.secret} label={t('key')} />
      <Group justify="flex-end">
        <CopyField value={made.secret} label={t('key')} asButton={common('copy')} />
        <Button onClick={onClose}>{t('stored')}</Button>
      </Group>
    </Dialog>
  );
}

const HOURS = [
  ['0', t('stop')],
  ['1', t('hour')],
  ['24', t('day')],
  ['168', t('week')],
] as const;

function Replace({
  of,
  onClose,
  onMade,
}: {
  of: Key;
  onClose: () => void;
  onMade: (made: { secret: string }) => void;
}) {
  const uid = useUid();
  const cache = useQueryClient();
  const [hours, setHours] = useState('24');
  return (
    <Confirm
      title={t('replaceTitle', { name: of.name })}
      button={t('replace')}
      onClose={onClose}
      act={async () => {
        const made = await call('post', '/api/accounts/{uid}/api-keys/{key}/replace', {
          path: { uid, key: of.id },
          body: { keep_old_hours: Number(hours) },
        });
        await cache.invalidateQueries({ queryKey: keysKey(uid) });
        onMade(made);
      }}
    >
      <Radio.Group label={t('keepOld')} value={hours} onChange={setHours}>
        <Stack gap="xs" mt="xs">
          {HOURS.map(([value, label]) => (
            <Radio key={value} value={value} label={label} />
          ))}
        </Stack>
      </Radio.Group>
    </Confirm>
  );
}

function Calls({ of, onClose }: { of: Key; onClose: () => void }) {
  const uid = useUid();
  const calls = useQuery({
    queryKey: [...keysKey(uid), of.id, 'calls'],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/api-keys/{key}/calls', {
        path: { uid, key: of.id },
        signal,
      }),
    staleTime: 0,
  });
  return (
    <Dialog title={t('callsOf', { name: of.name })} onClose={onClose} size="xl">
      <Part query={calls}>
        {(said) =>
          said.items.length === 0 ? (
            <Empty>{t('noCalls')}</Empty>
          ) : (
            <Table
              caption={t('calls')}
              rows={said.items}
              rowKey={(each) => `${each.at} ${each.route} ${said.items.indexOf(each)}`}
              columns={[
                { key: 'at', title: t('at'), cell: (each) => <LocalTime at={each.at} both /> },
                { key: 'call', title: t('call'), cell: (each) => `${each.method} ${each.route}` },
                {
                  key: 'answer',
                  title: t('answer'),
                  label: true,
                  cell: (each) => (
                    <StatusPill
                      meaning={each.status < 400 ? 'good' : each.status < 500 ? 'warn' : 'bad'}
                      word={String(each.status)}
                    />
                  ),
                },
                { key: 'error', title: t('error'), label: true, cell: (each) => each.error },
                { key: 'phone', title: t('phone'), label: true, cell: (each) => each.phone },
              ]}
            />
          )
        }
      </Part>
    </Dialog>
  );
}
