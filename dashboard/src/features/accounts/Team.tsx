/** Who may open the account: invite, change a role, deactivate. */

import { Button, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAccount, useMe, useReasons, useUid } from '../../app/account';
import { Confirm, Dialog } from '../../components/Confirm';
import { Table } from '../../components/DataList';
import { type Meaning, StatusPill, Strip } from '../../components/Meaning';
import { ProblemNotice } from '../../components/Notice';
import { Panel } from '../../components/Page';
import { Part } from '../../components/Part';
import { Foreign, LocalTime } from '../../components/Text';
import { t as common } from '../../components/words';
import { t } from './words';

type User = Schemas['UserAnswer'];
type Role = User['role'];
const ROLES = ['Owner', 'Operator', 'Marketing', 'Analyst', 'Manager', 'Staff'] as const;
const ROLE_OPTIONS = ROLES.map((role) => ({ value: role, label: `${role}: ${t(role)}` }));

const teamKey = (uid: string) => [uid, 'users'];

export function Team() {
  const uid = useUid();
  const may = useAccount().may('team:write');
  const [inviting, setInviting] = useState(false);
  const [said, setSaid] = useState<string>();
  const users = useQuery({
    queryKey: teamKey(uid),
    queryFn: ({ signal }) => call('get', '/api/accounts/{uid}/users', { path: { uid }, signal }),
  });
  return (
    <Panel
      title={t('team')}
      id="team"
      padded={false}
      action={
        may && (
          <Button variant="default" onClick={() => setInviting(true)}>
            {t('invite')}
          </Button>
        )
      }
    >
      {said && (
        <div style={{ padding: '0 16px 8px' }}>
          <Strip meaning="good" live>
            {said}
          </Strip>
        </div>
      )}
      <Part query={users}>{(team) => <Members users={team.items} may={may} say={setSaid} />}</Part>
      {inviting && (
        <Invite
          onClose={() => setInviting(false)}
          onSent={(email) => {
            setInviting(false);
            setSaid(t('sent', { email }));
          }}
        />
      )}
    </Panel>
  );
}

function stateOf(user: User): [Meaning, string] {
  if (!user.active) return user.last_seen_at ? ['idle', t('out')] : ['busy', t('invited')];
  return user.last_seen_at ? ['good', t('in')] : ['busy', t('invited')];
}

function Members({
  users,
  may,
  say,
}: {
  users: User[];
  may: boolean;
  say: (text: string) => void;
}) {
  const uid = useUid();
  const me = useMe().data;
  const cache = useQueryClient();
  const [error, setError] = useState<unknown>();
  const [leaving, setLeaving] = useState<User>();
  const owners = users.filter((user) => user.active && user.role === 'Owner').length;

  async function act(work: () => Promise<unknown>) {
    setError(undefined);
    try {
      await work();
      await cache.invalidateQueries({ queryKey: teamKey(uid) });
    } catch (failure) {
      setError(failure);
    }
  }
  const change = (user: User, body: Schemas['UserChange']) =>
    call('patch', '/api/accounts/{uid}/users/{sub}', { path: { uid, sub: user.sub }, body });
  return (
    <Stack gap="xs">
      {error !== undefined && <ProblemNotice error={error} />}
      <Table
        caption={t('team')}
        rows={users}
        rowKey={(user) => user.sub}
        columns={[
          { key: 'email', title: t('email'), cell: (user) => <Foreign>{user.email}</Foreign> },
          {
            key: 'role',
            title: t('role'),
            label: true,
            whole: true,
            cell: (user) =>
              may && user.active ? (
                <Select
                  aria-label={t('changeRole', { email: user.email })}
                  data={ROLE_OPTIONS}
                  value={user.role}
                  allowDeselect={false}
                  w={220}
                  disabled={user.role === 'Owner' && owners === 1}
                  onChange={(role) => role && void act(() => change(user, { role: role as Role }))}
                />
              ) : (
                user.role
              ),
          },
          {
            key: 'seen',
            title: t('lastSeen'),
            label: true,
            cell: (user) => (user.last_seen_at ? <LocalTime at={user.last_seen_at} /> : t('never')),
          },
          {
            key: 'state',
            title: t('state'),
            cell: (user) => {
              const [meaning, word] = stateOf(user);
              return <StatusPill meaning={meaning} word={word} />;
            },
          },
          {
            key: 'acts',
            title: '',
            whole: true,
            cell: (user) =>
              may && (
                <Group gap="xs" justify="flex-end">
                  {!user.last_seen_at && (
                    <Button
                      size="xs"
                      variant="default"
                      aria-label={`${t('again')} ${user.email}`}
                      onClick={() =>
                        void act(async () => {
                          await call('post', '/api/accounts/{uid}/users/{sub}/resend', {
                            path: { uid, sub: user.sub },
                          });
                          say(t('sent', { email: user.email }));
                        })
                      }
                    >
                      {t('again')}
                    </Button>
                  )}
                  {user.active && user.sub !== me?.sub && (
                    <Button
                      size="xs"
                      variant="outline"
                      className="destructive"
                      aria-label={`${t('deactivate')} ${user.email}`}
                      onClick={() => setLeaving(user)}
                    >
                      {t('deactivate')}
                    </Button>
                  )}
                  {!user.active && user.last_seen_at && (
                    <Button
                      size="xs"
                      variant="default"
                      aria-label={`${t('letIn')} ${user.email}`}
                      onClick={() => void act(() => change(user, { active: true }))}
                    >
                      {t('letIn')}
                    </Button>
                  )}
                </Group>
              ),
          },
        ]}
      />
      {owners === 1 && may && (
        <Text c="dimmed" fz={12} px="md" pb="sm">
          {t('onlyOwner')}
        </Text>
      )}
      {leaving && (
        <Confirm
          title={t('deactivateTitle', { email: leaving.email })}
          button={t('deactivate')}
          destructive
          onClose={() => setLeaving(undefined)}
          act={async () => {
            await change(leaving, { active: false });
            await cache.invalidateQueries({ queryKey: teamKey(uid) });
          }}
        >
          {t('deactivateText')}
        </Confirm>
      )}
    </Stack>
  );
}

function Invite({ onClose, onSent }: { onClose: () => void; onSent: (email: string) => void }) {
  const uid = useUid();
  const cache = useQueryClient();
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<string>('Staff');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const reasons = useReasons()(error);
  async function submit(event: FormEvent) {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(undefined);
    try {
      await call('post', '/api/accounts/{uid}/users', {
        path: { uid },
        body: { email: email.trim(), role: role as Role },
      });
      await cache.invalidateQueries({ queryKey: teamKey(uid) });
      onSent(email.trim());
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  }
  return (
    <Dialog title={t('inviteTitle')} onClose={onClose}>
      <form onSubmit={submit} noValidate>
        <Stack>
          {error !== undefined && <ProblemNotice error={error} />}
          <TextInput
            label={t('email')}
            type="email"
            autoComplete="off"
            value={email}
            error={reasons.email}
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
          <Select
            label={t('role')}
            data={ROLE_OPTIONS}
            value={role}
            allowDeselect={false}
            onChange={(value) => setRole(value ?? 'Staff')}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {common('cancel')}
            </Button>
            <Button type="submit" loading={busy}>
              {t('sendInvitation')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
