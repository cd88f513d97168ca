/** What a person chooses for themselves: e-mails of notifications, their password. */

import { Anchor, Button, Checkbox, Group, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAccount, useMe, useUid } from '../../app/account';
import { Strip } from '../../components/Meaning';
import { ProblemNotice } from '../../components/Notice';
import { Page, Panel, RoleGate } from '../../components/Page';
import { Part } from '../../components/Part';
import { t } from './words';

type User = Schemas['UserAnswer'];
type Severity = User['email_severities'][number];
const SEVERITIES = ['error', 'warning', 'info'] as const;

export function MyPage() {
  const account = useAccount();
  const me = useMe().data;
  return (
    <Page title={t('mine')}>
      <Panel title={t('you')} id="you">
        <Stack gap="xs">
          <Text>
            {me && t('loggedIn', { email: me.email, account: account.name, role: account.role })}
          </Text>
          <Text>
            {t('passwordText')}{' '}
            <Anchor component={Link} to="/login/forgot">
              {t('forgot')}
            </Anchor>
          </Text>
        </Stack>
      </Panel>
      <RoleGate right="notifications:read">
        <Mails />
      </RoleGate>
    </Page>
  );
}

function Mails() {
  const uid = useUid();
  const mine = useQuery({
    queryKey: [uid, 'me'],
    queryFn: ({ signal }) => call('get', '/api/accounts/{uid}/me', { path: { uid }, signal }),
  });
  return (
    <Panel title={t('mails')} id="mails">
      <Part query={mine}>{(user) => <Choice user={user} />}</Part>
    </Panel>
  );
}

function Choice({ user }: { user: User }) {
  const uid = useUid();
  const cache = useQueryClient();
  const [chosen, setChosen] = useState<Severity[]>(user.email_severities);
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(false);
  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    setDone(false);
    try {
      const saved = await call('put', '/api/accounts/{uid}/me/emails', {
        path: { uid },
        body: { severities: chosen },
      });
      cache.setQueryData([uid, 'me'], saved);
      setDone(true);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        {user.email_note && <Strip meaning="warn">{user.email_note}</Strip>}
        {error !== undefined && <ProblemNotice error={error} />}
        {done && (
          <Strip meaning="good" live>
            {t('saved')}
          </Strip>
        )}
        <Checkbox.Group
          label={t('mailsHelp')}
          value={chosen}
          onChange={(values) => setChosen(values as Severity[])}
        >
          <Stack gap="xs" mt="xs">
            {SEVERITIES.map((severity) => (
              <Checkbox key={severity} value={severity} label={t(severity)} />
            ))}
          </Stack>
        </Checkbox.Group>
        <Group justify="flex-end">
          <Button type="submit" loading={busy}>
            {t('saveMails')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
