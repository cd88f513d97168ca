import { Button, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { call } from '../../api/client';
import { useAccount } from '../../app/account';
import { Empty, ProblemNotice } from '../../components/Notice';
import { Page, Panel } from '../../components/Page';
import { Part } from '../../components/Part';
import { LocalTime, Said } from '../../components/Text';
import { Note } from './Note';
import { type Notification, useNotifications } from './queries';
import { t } from './words';

/** What needs somebody, worst first; what was mended goes by itself. */
export function NotificationsPage() {
  const account = useAccount();
  const enabled = account.may('notifications:read');
  const open = useNotifications(account.uid, enabled);
  const mended = useQuery({
    queryKey: [account.uid, 'notifications', 'cleared'],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/notifications', {
        path: { uid: account.uid },
        query: { state: 'all' },
        signal,
      }),
    enabled,
  });
  return (
    <Page title={t('title')} right="notifications:read">
      <Panel title={t('open')} id="open">
        <Part query={open}>
          {(said) =>
            said.items.length === 0 ? (
              <Empty meaning="good">{t('nothing')}</Empty>
            ) : (
              <Stack component="ul" gap="md" m={0} p={0} style={{ listStyle: 'none' }}>
                {said.items.map((note) => (
                  <Note
                    key={`${note.kind} ${note.subject}`}
                    note={note}
                    decision={<Decision note={note} />}
                  />
                ))}
              </Stack>
            )
          }
        </Part>
      </Panel>
      {(open.data || open.error) && (
        <Panel title={t('mended')} id="mended">
          <Part query={mended}>
            {(said) => {
              const gone = said.items.filter((note) => note.cleared_at !== null);
              if (gone.length === 0) return <Text c="dimmed">{t('noneMended')}</Text>;
              return (
                <Stack component="ul" gap="xs" m={0} p={0} style={{ listStyle: 'none' }}>
                  {gone.map((note) => (
                    <li key={`${note.kind} ${note.subject} ${note.cleared_at}`}>
                      <Said>{note.title}</Said>{' '}
                      <Text component="span" c="dimmed">
                        {t('cleared')} <LocalTime at={note.cleared_at} />
                      </Text>
                    </li>
                  ))}
                </Stack>
              );
            }}
          </Part>
        </Panel>
      )}
    </Page>
  );
}

/** Notifications that ask for a decision take it here. */
function Decision({ note }: { note: Notification }) {
  const account = useAccount();
  const cache = useQueryClient();
  const platform = /integrations\/([a-z]+)/.exec(note.link)?.[1];
  const act = useMutation({
    mutationFn: async (choice: string) => {
      const path = { uid: account.uid, platform: platform ?? '', choice };
      if (note.kind === 'members_left') {
        await call('post', '/api/accounts/{uid}/integrations/{platform}/members-left/{choice}', {
          path,
        });
      } else {
        await call(
          'post',
          '/api/accounts/{uid}/integrations/{platform}/contacts-withdrawn/{choice}',
          { path },
        );
      }
    },
    onSettled: () => cache.invalidateQueries({ queryKey: [account.uid, 'notifications'] }),
  });
  const choices =
    note.kind === 'members_left'
      ? ([
          ['keep', t('keep')],
          ['let-go', t('letGo')],
        ] as const)
      : note.kind === 'contacts_withdrawn'
        ? ([
            ['apply', t('takeOver')],
            ['dismiss', t('dismiss')],
          ] as const)
        : [];
  if (choices.length === 0 || !platform || !account.may('settings:write')) return null;
  return (
    <>
      {choices.map(([choice, label]) => (
        <Button
          key={choice}
          variant="default"
          loading={act.isPending}
          onClick={() => act.mutate(choice)}
        >
          {label}
        </Button>
      ))}
      {act.error && <ProblemNotice error={act.error} />}
    </>
  );
}
