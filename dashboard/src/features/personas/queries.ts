import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { call, type Schemas } from '../../api/client';

export type Persona = Schemas['PersonaAnswer'];
export type Detail = Schemas['PersonaDetail'];
export type Sale = Schemas['SaleAnswer'];
export type Entry = Schemas['LedgerEntryAnswer'];
export type Kind = 'phone' | 'email' | 'contact_id' | 'source_id' | 'name';

export type Consent = Persona['consent'];
export type Sort = 'inserted' | 'name' | 'points' | 'last_purchase';

export interface Filters {
  member?: boolean;
  source?: string;
  store?: string;
  consent?: Consent;
  sort: Sort;
  kind?: Kind;
  typed?: string;
}

export type Listed = Persona & { last_purchase?: string | null };

/** `total` and `as_of`: of a list of the last audience run; the live list has neither. */
interface PersonaPage {
  items: Listed[];
  next_cursor: string | null;
  total?: number;
  as_of?: string | null;
}

/** Whether only the lists of the last audience run can be sorted and narrowed like this. */
export function isOfLastRun({ sort, store, consent, kind }: Filters): boolean {
  if (kind) return false;
  return sort === 'points' || sort === 'last_purchase' || Boolean(store ?? consent);
}

/** What is typed, guessed: an e-mail, a phone, a contactID (32 and more hex digits), else a name. */
export function kindOf(typed: string): Kind {
  const text = typed.trim();
  if (text.includes('@')) return 'email';
  if (/^[0-9a-f]{24,}$/i.test(text)) return 'contact_id';
  const digits = text.replace(/\D/g, '');
  if (digits.length >= 7 && /^[+\d\s().-]+$/.test(text)) return 'phone';
  if (/^[\w-]*\d[\w-]*$/.test(text)) return 'source_id';
  return 'name';
}

export const personasQuery = (uid: string, filters: Filters) =>
  infiniteQueryOptions({
    queryKey: [uid, 'personas', filters],
    queryFn: ({ pageParam, signal }): Promise<PersonaPage> => {
      const { member, source, sort, kind, typed, store, consent } = filters;
      if (kind && typed) {
        // Contacts and names go in a body: they stay out of addresses and logs.
        return call('post', '/api/accounts/{uid}/personas/search', {
          path: { uid },
          body: {
            [kind]: typed.trim(),
            is: member ? 'member' : undefined,
            source,
            limit: 50,
            cursor: pageParam,
          } as Schemas['PersonaSearch'],
          signal,
        });
      }
      if (isOfLastRun(filters)) {
        return call('get', '/api/accounts/{uid}/personas/snapshot', {
          path: { uid },
          query: {
            limit: 50,
            cursor: pageParam,
            list: member ? 'members' : 'personas',
            sort: sort === 'inserted' ? 'name' : sort,
            store: store ? Number(store) : undefined,
            consent,
            source,
          },
          signal,
        });
      }
      return call('get', '/api/accounts/{uid}/personas', {
        path: { uid },
        query: {
          limit: 50,
          cursor: pageParam,
          is: member ? 'member' : undefined,
          source,
          sort,
        } as never,
        signal,
      });
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    staleTime: 30_000,
  });

export const personaQuery = (uid: string, id: string) =>
  queryOptions({
    queryKey: [uid, 'personas', id],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/personas/{contact_id}', {
        path: { uid, contact_id: id },
        signal,
      }),
  });

export const salesQuery = (uid: string, id: string) =>
  infiniteQueryOptions({
    queryKey: [uid, 'personas', id, 'sales'],
    queryFn: ({ pageParam, signal }) =>
      call('get', '/api/accounts/{uid}/personas/{contact_id}/sales', {
        path: { uid, contact_id: id },
        query: { limit: 25, cursor: pageParam },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

export const ledgerQuery = (uid: string, id: string) =>
  infiniteQueryOptions({
    queryKey: [uid, 'personas', id, 'ledger'],
    queryFn: ({ pageParam, signal }) =>
      call('get', '/api/accounts/{uid}/personas/{contact_id}/ledger', {
        path: { uid, contact_id: id },
        query: { limit: 25, cursor: pageParam },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

export const consentQuery = (uid: string, id: string) =>
  queryOptions({
    queryKey: [uid, 'personas', id, 'consent'],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/personas/{contact_id}/consent', {
        path: { uid, contact_id: id },
        signal,
      }),
  });

export function nameOf(persona: Pick<Persona, 'first' | 'last'>): string {
  return [persona.first, persona.last].filter(Boolean).join(' ');
}
