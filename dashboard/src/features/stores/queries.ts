import { queryOptions } from '@tanstack/react-query';
import { call } from '../../api/client';

export const storesQuery = (uid: string) =>
  queryOptions({
    queryKey: [uid, 'stores'],
    queryFn: ({ signal }) => call('get', '/api/accounts/{uid}/stores', { path: { uid }, signal }),
  });
