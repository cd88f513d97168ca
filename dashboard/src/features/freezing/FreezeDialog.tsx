/** *Use AIQ's last backup*: freeze a source at a backup, and take it back. */

import { Button, Group, Loader, Radio, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAccount, useFormat } from '../../app/account';
import { every } from '../../app/queries';
import { Dialog } from '../../components/Confirm';
import { Strip } from '../../components/Meaning';
import { ProblemNotice } from '../../components/Notice';
import { Said } from '../../components/Text';
import { t as common } from '../../components/words';
import { t } from './words';

type Frozen = Schemas['FrozenAnswer'];
type Choice = Schemas['FreezeChoice']['choice'];

const moving = (said: Frozen | undefined) =>
  said !== undefined &&
  (said.state === 'freezing' ||
    said.state === 'unfreezing' ||
    said.rolling_back ||
    said.rolling_forward);

export function useFrozen(platform: string, state: string) {
  const account = useAccount();
  return useQuery({
    queryKey: [account.uid, 'freeze', platform],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/integrations/{platform}/freeze', {
        path: { uid: account.uid, platform },
        signal,
      }),
    enabled: ['freezing', 'frozen', 'unfreezing'].includes(state),
    refetchInterval: every<Frozen>(2000, moving),
  });
}

/** What stands on a card whose source stands still. */
export function FrozenStrip({
  platform,
  title,
  state,
}: {
  platform: string;
  title: string;
  state: string;
}) {
  const account = useAccount();
  const format = useFormat();
  const [open, setOpen] = useState(false);
  const frozen = useFrozen(platform, state);
  if (!['freezing', 'frozen', 'unfreezing'].includes(state)) return null;
  const said = frozen.data;
  const words = () => {
    if (said?.rolling_back) return t('rollingBack', { done: said.done, total: said.total });
    if (said?.rolling_forward) return t('rollingForward', { done: said.done, total: said.total });
    if (state === 'freezing') return t('freezing');
    if (state === 'unfreezing') return t('unfreezing');
    const since = said?.frozen_at;
    const at = since && `${format.day(since)}, ${format.time(since, true)}`;
    return `${at ? t('frozenSince', { at }) : ''} ${t('frozenText', { title })}`;
  };
  return (
    <>
      <Strip
        meaning={said?.problem ? 'warn' : 'frozen'}
        live
        action={
          state === 'frozen' && account.may('settings:write') && !said?.rolling_back ? (
            <Button variant="default" onClick={() => setOpen(true)}>
              {t('unfreeze', { title })}
            </Button>
          ) : undefined
        }
      >
        {words()} {said?.problem_text && <Said>{said.problem_text}</Said>}
        {said?.waiting_pushes
          ? ` ${t('waitingPushes', { count: said.waiting_pushes, title })}`
          : ''}
      </Strip>
      {open && (
        <FreezeDialog
          platform={platform}
          title={title}
          state={state}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}

interface Props {
  platform: string;
  title: string;
  state: string;
  onClose: () => void;
}

export function FreezeDialog(props: Props) {
  return props.state === 'frozen' || props.state === 'unfreezing' ? (
    <Unfreeze {...props} />
  ) : (
    <Freeze {...props} />
  );
}

function useFreezeRefresh(platform: string) {
  const { uid } = useAccount();
  const cache = useQueryClient();
  return (said: Frozen) => {
    cache.setQueryData([uid, 'freeze', platform], said);
    void cache.invalidateQueries({ queryKey: [uid, 'integrations'] });
  };
}

function Freeze({ platform, title, onClose }: Props) {
  const account = useAccount();
  const format = useFormat();
  const keep = useFreezeRefresh(platform);
  const [choice, setChoice] = useState<Choice>('last');
  const path = { uid: account.uid, platform };
  const preview = (of: Choice) => ({
    queryKey: [account.uid, 'freeze-preview', platform, of],
    queryFn: () =>
      call('post', '/api/accounts/{uid}/integrations/{platform}/freeze/preview', {
        path,
        body: { choice: of },
      }),
    staleTime: 0,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
  });
  const last = useQuery(preview('last'));
  const now = useQuery({ ...preview('now'), enabled: choice === 'now' || last.error !== null });
  // Without a backup of a night there is only the one taken now.
  const chosen = last.error ? 'now' : choice;
  const shown = chosen === 'last' ? last : now;
  const act = useMutation({
    mutationFn: (token: string) =>
      call('post', '/api/accounts/{uid}/integrations/{platform}/freeze', {
        path,
        body: { choice: chosen, token },
      }),
    onSuccess: (said) => {
      keep(said);
      onClose();
    },
    onError: () => void shown.refetch(),
  });
  return (
    <Dialog title={t('title')} onClose={onClose} size="lg">
      <Text>{t('text', { title })}</Text>
      <Strip meaning="warn">
        ⚠️ <strong>{t('warning')}</strong> {t('warningText')}
      </Strip>
      <Radio.Group
        label={t('choice')}
        value={chosen}
        onChange={(wanted) => setChoice(wanted as Choice)}
      >
        <Stack gap="xs" mt={6}>
          <Radio
            value="last"
            disabled={last.error !== null}
            label={
              last.data?.made_at
                ? t('lastAt', { at: format.instant(last.data.made_at) })
                : t('last')
            }
            description={
              last.data
                ? t('lastCounts', {
                    personas: last.data.personas,
                    sales: last.data.sales,
                    members: last.data.members,
                    points: format.points(last.data.points),
                  })
                : last.error
                  ? t('noBackup')
                  : t('counting')
            }
          />
          <Radio value="now" label={t('now')} description={t('nowText')} />
        </Stack>
      </Radio.Group>
      <Text c="dimmed">{t('stays')}</Text>
      {shown.isFetching && (
        <Group gap="xs" role="status">
          <Loader size="sm" /> {t('counting')}
        </Group>
      )}
      {shown.data?.note && (
        <Strip meaning="warn">
          <Said>{shown.data.note}</Said>
        </Strip>
      )}
      {chosen === 'now' && now.error && <ProblemNotice error={now.error} />}
      {act.error && <ProblemNotice error={act.error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {common('cancel')}
        </Button>
        <Button
          disabled={!shown.data}
          loading={act.isPending}
          onClick={() => shown.data && act.mutate(shown.data.token)}
        >
          {t('freeze', { title })}
        </Button>
      </Group>
    </Dialog>
  );
}

function Unfreeze({ platform, title, state, onClose }: Props) {
  const account = useAccount();
  const format = useFormat();
  const keep = useFreezeRefresh(platform);
  const frozen = useFrozen(platform, state);
  const act = useMutation({
    mutationFn: () =>
      call('post', '/api/accounts/{uid}/integrations/{platform}/unfreeze', {
        path: { uid: account.uid, platform },
      }),
    onSuccess: (said) => {
      keep(said);
      onClose();
    },
  });
  const since = frozen.data?.frozen_at;
  return (
    <Dialog title={t('unfreezeTitle', { title })} onClose={onClose}>
      <Text>{since ? t('unfreezeText', { at: format.instant(since) }) : t('unfreezeTextNow')}</Text>
      {act.error && <ProblemNotice error={act.error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {common('cancel')}
        </Button>
        <Button loading={act.isPending} onClick={() => act.mutate()}>
          {t('unfreeze', { title })}
        </Button>
      </Group>
    </Dialog>
  );
}
