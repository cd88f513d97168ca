/** *Remove this source's data*: counted, typed, and undone for 7 days. */

import { Button, List, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAccount, useFormat } from '../../app/account';
import { every } from '../../app/queries';
import { Confirm } from '../../components/Confirm';
import { Strip } from '../../components/Meaning';
import { ProblemNotice } from '../../components/Notice';
import { Said } from '../../components/Text';
import { type Card, useCardRefresh } from '../integrations/queries';
import { standsStill } from '../integrations/state';
import { t } from './words';

type Removal = Schemas['RemovalAnswer'];
type Of = Pick<Card, 'platform' | 'title'>;

const keyOf = (uid: string, platform: string) => [uid, 'removal', platform];

/** Keeps the answer of an act on a source's data, and reads anew what shows it. */
function useRemovalRefresh(platform: string) {
  const { uid } = useAccount();
  const cache = useQueryClient();
  const refresh = useCardRefresh(uid, platform);
  return async (said: Removal) => {
    cache.setQueryData(keyOf(uid, platform), said);
    await refresh();
  };
}

export function RemoveDataDialog({ of, onClose }: { of: Of; onClose: () => void }) {
  const { uid } = useAccount();
  const format = useFormat();
  const keep = useRemovalRefresh(of.platform);
  const path = { uid, platform: of.platform };
  const preview = useQuery({
    queryKey: [uid, 'removal-preview', of.platform],
    queryFn: () =>
      call('post', '/api/accounts/{uid}/integrations/{platform}/data/preview', { path }),
    staleTime: 0,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
  });
  const said = preview.data;
  const lines = said
    ? [
        said.shoppers > 0 && t('removeShoppers', { n: said.shoppers, title: of.title }),
        said.sales > 0 && t('removeSales', { n: said.sales }),
        said.personas > 0 && t('removePersonas', { n: said.personas }),
        said.members > 0 && t('removeMembers', { n: said.members }),
        said.points !== 0 && t('removePoints', { points: format.points(said.points) }),
      ].filter((line): line is string => Boolean(line))
    : [];
  return (
    <Confirm
      title={t('removeTitle', { title: of.title })}
      button={t('removeGo')}
      destructive
      typed={said?.confirm}
      ready={said !== undefined}
      onClose={onClose}
      act={async () => {
        const done = await call('post', '/api/accounts/{uid}/integrations/{platform}/data/remove', {
          path,
          body: { token: said?.token ?? '', typed: said?.confirm ?? '' },
        });
        await keep(done);
      }}
    >
      <Text>{t('removeText', { title: of.title })}</Text>
      {preview.error && <ProblemNotice error={preview.error} title={of.title} />}
      <div role="status">
        {preview.isFetching && t('removeCounting')}
        {said && lines.length === 0 && t('removeNothing', { title: of.title })}
        {lines.length > 0 && (
          <List spacing={4}>
            {lines.map((line) => (
              <List.Item key={line}>
                <Said>{line}</Said>
              </List.Item>
            ))}
          </List>
        )}
        {said && !said.complete && <Text c="dimmed">{t('atLeast')}</Text>}
      </div>
    </Confirm>
  );
}

/** Where a source's data stands while it is removed; `otherwise` while nothing is. */
export function RemovalStrip({ card, otherwise }: { card: Card; otherwise: ReactNode }) {
  const account = useAccount();
  const format = useFormat();
  const keep = useRemovalRefresh(card.platform);
  const [undoing, setUndoing] = useState(false);
  const path = { uid: account.uid, platform: card.platform };
  const { data } = useQuery({
    queryKey: keyOf(account.uid, card.platform),
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/integrations/{platform}/data', { path, signal }),
    enabled: standsStill(card.state),
    refetchInterval: every<Removal>(
      2000,
      (said) => said === undefined || ['removing', 'restoring'].includes(said.data),
    ),
  });
  // What the card may do changes with each step.
  const refresh = useCardRefresh(account.uid, card.platform);
  const step = data?.data;
  const before = useRef(step);
  useEffect(() => {
    if (before.current !== undefined && before.current !== step) void refresh();
    before.current = step;
  });
  if (!standsStill(card.state)) return null;
  if (data === undefined || data.data === 'kept') return <>{otherwise}</>;
  const { done, total } = data;
  const title = card.title;
  const moving = (words: 'removing' | 'restoring') =>
    total > 0 ? t(words, { title, done, total }) : t(`${words}Begins`, { title });
  const words =
    data.data === 'removed'
      ? t('removed', { title, at: data.gone_at ? format.instant(data.gone_at) : '—' })
      : data.data === 'deleting'
        ? t('deleting', { title })
        : moving(data.data);
  return (
    <>
      <Strip
        meaning={data.problem ? 'warn' : 'frozen'}
        live
        action={
          data.data === 'removed' &&
          account.may('sources:erase') && (
            <Button variant="default" onClick={() => setUndoing(true)}>
              {t('undoRemoval')}
            </Button>
          )
        }
      >
        {words} {data.problem}
      </Strip>
      {undoing && (
        <Confirm
          title={t('undoTitle', { title })}
          button={t('undoGo')}
          onClose={() => setUndoing(false)}
          act={async () => {
            const restoring = await call(
              'post',
              '/api/accounts/{uid}/integrations/{platform}/data/restore',
              { path },
            );
            await keep(restoring);
          }}
        >
          {t('undoText', { title })}
        </Confirm>
      )}
    </>
  );
}
