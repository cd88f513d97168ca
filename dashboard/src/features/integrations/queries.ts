import { queryOptions } from '@tanstack/react-query';
import { call } from '../../api/client';

export const cardsQuery = (uid: string) =>
  queryOptions({
    queryKey: [uid, 'integrations'],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/integrations', { path: { uid }, signal }),
  });
