import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, Navigate, useSearch } from '@tanstack/react-router';
import { call, type Schemas } from '../../api/client';
import { meQuery, useMe } from '../../app/account';
import { logOut, useSession } from '../../app/session';
import { t } from '../../app/words';
import { ProblemNotice } from '../../components/Notice';
import { Part } from '../../components/Part';
import { Gate } from '../login/LogInPage';
import { safeBack } from '../login/password';

/** The accounts somebody may go to, and those that invite them. */
export function ChoosePage() {
  const me = useMe();
  const { link } = useSearch({ strict: false }) as { link?: string };
  const rest = link && safeBack(link) !== '/' ? link : '';
  const only =
    me.data?.accounts.length === 1 && me.data.invitations.length === 0
      ? me.data.accounts[0]?.uid
      : undefined;
  if (only !== undefined) return <Navigate to={`/a/${only}${rest}` as never} replace />;
  return (
    <Gate title={t(rest ? 'chooseForLink' : 'chooseTitle')}>
      <Part query={me}>
        {(said) => (
          <Stack>
            {said.invitations.map((each) => (
              <Invitation key={each.uid} of={each} />
            ))}
            {said.accounts.map((each) => (
              <Button
                key={each.uid}
                component={Link}
                to={`/a/${each.uid}${rest}`}
                variant="default"
                size="md"
                justify="space-between"
                rightSection={<Text c="dimmed">{each.role}</Text>}
              >
                <bdi>{each.name}</bdi>
              </Button>
            ))}
            {said.accounts.length + said.invitations.length === 0 && (
              <Text>{t('noAccount', { email: said.email })}</Text>
            )}
            <Button
              variant="subtle"
              onClick={() => void logOut().then(() => window.location.assign('/login'))}
            >
              {t('logOut')}
            </Button>
          </Stack>
        )}
      </Part>
    </Gate>
  );
}

function Invitation({ of }: { of: Schemas['MyInvitation'] }) {
  const cache = useQueryClient();
  const session = useSession();
  const answer = useMutation({
    mutationFn: (accept: boolean) =>
      call('post', '/api/me/invitations/{account}', {
        path: { account: of.uid },
        body: { accept },
      }),
    onSuccess: (said) => cache.setQueryData(meQuery(session?.sub ?? '').queryKey, said),
  });
  return (
    <Stack gap="xs" className="panel" p="md">
      <Text>{t('invites', { account: of.name, role: of.role })}</Text>
      {answer.error && <ProblemNotice error={answer.error} />}
      <Group>
        <Button loading={answer.isPending} onClick={() => answer.mutate(true)}>
          {t('accept')}
        </Button>
        <Button variant="default" disabled={answer.isPending} onClick={() => answer.mutate(false)}>
          {t('decline')}
        </Button>
      </Group>
    </Stack>
  );
}
