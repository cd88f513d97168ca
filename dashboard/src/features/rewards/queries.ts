import { queryOptions } from '@tanstack/react-query';
import { call } from '../../api/client';

export const discountsQuery = (uid: string) =>
  queryOptions({
    queryKey: [uid, 'discounts'],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/discounts', { path: { uid }, signal }),
  });

export const discountQuery = (uid: string, discount: string) =>
  queryOptions({
    queryKey: [uid, 'discounts', discount],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/discounts/{discount}', { path: { uid, discount }, signal }),
  });
