import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { call, type Schemas } from '../../api/client';
import { every } from '../../app/queries';

export type Card = Schemas['CardAnswer'];
export type Summary = Schemas['CardSummary'];
export type Credential = Schemas['CredentialAnswer'];
export type Check = Schemas['CheckAnswer'];
export type Setting = Schemas['SettingAnswer'];

export const cardsQuery = (uid: string) =>
  queryOptions({
    queryKey: [uid, 'integrations'],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/integrations', { path: { uid }, signal }),
    refetchInterval: every<Schemas['CardList']>(60_000),
  });

export const cardQuery = (uid: string, platform: string) =>
  queryOptions({
    queryKey: [uid, 'integrations', platform],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/integrations/{platform}', {
        path: { uid, platform },
        signal,
      }),
    refetchInterval: every<Card>(15_000),
  });

/** Where the shoppers of a source went, and its stock. */
export const flowQuery = (uid: string, platform: string) =>
  queryOptions({
    queryKey: [uid, 'integrations', platform, 'flow'],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/integrations/{platform}/flow', {
        path: { uid, platform },
        signal,
      }),
    staleTime: 60_000,
  });

/** Reads anew whatever shows this card. */
export function useCardRefresh(uid: string, platform: string) {
  const cache = useQueryClient();
  return () =>
    Promise.all([
      cache.invalidateQueries({ queryKey: [uid, 'integrations'] }),
      cache.invalidateQueries({ queryKey: [uid, 'integrations', platform] }),
      cache.invalidateQueries({ queryKey: [uid, 'runs'] }),
      cache.invalidateQueries({ queryKey: [uid, 'notifications'] }),
    ]);
}

/** An act on a card, after which whatever shows it is read anew. */
export function useCardAct<T, A = void>(
  uid: string,
  platform: string,
  act: (argument: A) => Promise<T>,
) {
  const refresh = useCardRefresh(uid, platform);
  return useMutation({ mutationFn: act, onSettled: refresh });
}
