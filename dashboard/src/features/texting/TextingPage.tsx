/** Settings > Texting: settings, replies that need a person, and what was sent. */

import { Button, Group, Stack, Tabs, Text, TextInput } from '@mantine/core';
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAccount, useUid } from '../../app/account';
import { DataList } from '../../components/DataList';
import { dayIn } from '../../components/format';
import { type Meaning, StatusPill } from '../../components/Meaning';
import { Empty, ProblemNotice } from '../../components/Notice';
import { Page, Panel } from '../../components/Page';
import { Part } from '../../components/Part';
import { Foreign, LocalTime } from '../../components/Text';
import { TextingForm } from './TextingForm';
import { KINDS, t } from './words';

type TabName = 'settings' | 'replies' | 'sent';

export function TextingPage() {
  const account = useAccount();
  const navigate = useNavigate();
  const { tab } = useSearch({ strict: false }) as { tab?: TabName };
  const texting = useQuery({
    queryKey: [account.uid, 'texting'],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/texting', { path: { uid: account.uid }, signal }),
    enabled: account.may('settings:read'),
  });
  return (
    <Page
      title={t('title')}
      crumbs={[{ label: t('settings') }, { label: t('title') }]}
      intro={t('intro')}
      right="settings:read"
    >
      <Tabs
        value={tab ?? 'settings'}
        keepMounted={false}
        onChange={(value) => void navigate({ to: '.', search: { tab: value ?? undefined } })}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="settings">{t('tabSettings')}</Tabs.Tab>
          <Tabs.Tab value="replies">{t('tabReplies')}</Tabs.Tab>
          {account.may('personas:read') && <Tabs.Tab value="sent">{t('tabSent')}</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="settings">
          <Part query={texting}>{(said) => <TextingForm key={account.uid} texting={said} />}</Part>
        </Tabs.Panel>
        <Tabs.Panel value="replies">
          <Replies />
        </Tabs.Panel>
        <Tabs.Panel value="sent">
          <Sent />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function Replies() {
  const uid = useUid();
  const account = useAccount();
  const cache = useQueryClient();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState<string>();
  const key = [uid, 'replies'];
  const replies = useQuery({
    queryKey: key,
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/texting/replies', { path: { uid }, signal }),
  });
  async function decide(reply: string, means: Schemas['ReplyDecision']['means']) {
    setBusy(reply);
    setError(undefined);
    try {
      const left = await call('post', '/api/accounts/{uid}/texting/replies/{reply}', {
        path: { uid, reply },
        body: { means },
      });
      cache.setQueryData(key, left);
      void cache.invalidateQueries({ queryKey: [uid, 'notifications'] });
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(undefined);
    }
  }
  return (
    <Panel>
      <Part query={replies}>
        {(said) =>
          said.items.length === 0 ? (
            <Empty meaning="good">{t('noReplies')}</Empty>
          ) : (
            <Stack>
              <Text>{t('replyIntro')}</Text>
              {error !== undefined && <ProblemNotice error={error} />}
              {said.items.map((reply) => (
                <Group key={reply.id} justify="space-between" align="flex-start">
                  <div style={{ flex: '1 1 240px' }}>
                    <Text fw={600}>
                      <Foreign>{reply.text}</Foreign>
                    </Text>
                    <Text c="dimmed" fz={12}>
                      {reply.number} · <LocalTime at={reply.at} both />
                    </Text>
                  </div>
                  {account.may('settings:write') && (
                    <Group gap="xs">
                      <Button
                        variant="default"
                        loading={busy === reply.id}
                        onClick={() => void decide(reply.id, 'nothing')}
                      >
                        {t('leave')}
                      </Button>
                      <Button
                        loading={busy === reply.id}
                        onClick={() => void decide(reply.id, 'stop')}
                      >
                        {t('optOutAct')}
                      </Button>
                    </Group>
                  )}
                </Group>
              ))}
            </Stack>
          )
        }
      </Part>
    </Panel>
  );
}

const MEANING: Record<Schemas['TextAnswer']['state'], Meaning> = {
  sent: 'good',
  sending: 'busy',
  unknown: 'warn',
  refused: 'bad',
};

function Sent() {
  const account = useAccount();
  const { uid } = account;
  const navigate = useNavigate();
  const { day: asked } = useSearch({ strict: false }) as { day?: string };
  const day = asked ?? dayIn(account.zone, Date.now());
  const texts = useInfiniteQuery({
    queryKey: [uid, 'texts', day],
    queryFn: ({ pageParam, signal }) =>
      call('get', '/api/accounts/{uid}/texting/texts', {
        path: { uid },
        query: { day, limit: 50, cursor: pageParam },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });
  return (
    <Stack>
      <TextInput
        type="date"
        label={t('day')}
        value={day}
        maw={220}
        onChange={(event) => {
          const wanted = event.currentTarget.value;
          if (wanted) void navigate({ to: '.', search: { tab: 'sent', day: wanted } });
        }}
      />
      <Panel padded={false}>
        <DataList
          query={texts}
          caption={t('tabSent')}
          rowKey={(text) => text.id}
          empty={<Empty>{t('noTexts')}</Empty>}
          columns={[
            { key: 'at', title: t('at'), cell: (text) => <LocalTime at={text.at} both /> },
            { key: 'to', title: t('to'), label: true, cell: (text) => text.number },
            {
              key: 'what',
              title: t('what'),
              cell: (text) => (
                <>
                  {KINDS(text.kind)}: <Foreign>{text.body}</Foreign>
                </>
              ),
            },
            {
              key: 'state',
              title: t('state'),
              cell: (text) => <StatusPill meaning={MEANING[text.state]} word={t(text.state)} />,
            },
          ]}
        />
      </Panel>
    </Stack>
  );
}
