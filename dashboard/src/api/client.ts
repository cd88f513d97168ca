/** The one way to the API: typed by our OpenAPI document, with the log-in, problems and patience. */

import { endSession, idToken } from '../app/session';
import { asProblem, Offline, Problem } from './problem';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];
type Method = 'get' | 'put' | 'post' | 'patch' | 'delete';
type Json = 'application/json';

export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never;
}[keyof paths];
type Operation<M extends Method, P extends keyof paths> = NonNullable<paths[P][M]>;
type Part<O, K extends string> = O extends { parameters: { [k in K]?: infer V } } ? V : never;
type Body<O> = O extends { requestBody: { content: { [k in Json]: infer B } } } ? B : never;
type Good<R> = R extends { content: { [k in Json]: infer A } } ? A : undefined;
type Answer<O> = O extends { responses: infer R }
  ? Good<R[keyof R & (200 | 201 | 202 | 204)]>
  : never;

export interface Options<O> {
  path?: Part<O, 'path'>;
  query?: Part<O, 'query'>;
  body?: Body<O>;
  /** The version that the change was made on: sent as `If-Match`. */
  version?: number;
  /** Sent with every try of one act, so that it happens once. */
  once?: string;
  signal?: AbortSignal;
}

function fill(path: string, values: Record<string, unknown> = {}): string {
  return path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String(values[name])));
}

function search(query: Record<string, unknown> = {}): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') given.append(name, String(value));
  }
  const text = given.toString();
  return text ? `?${text}` : '';
}

async function fetched(address: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(address, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Offline();
  }
}

/**
 * Calls the API and returns what it answers. Throws `Problem` for its errors and `Offline` when no
 * answer came. A log-in that has ended is asked for over the page, and the same request goes again.
 */
export async function call<M extends Method, P extends PathOf<M>>(
  method: M,
  path: P,
  options: Options<Operation<M, P>> = {},
): Promise<Answer<Operation<M, P>>> {
  const address = fill(path, options.path as Record<string, unknown>) + search(options.query ?? {});
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  if (options.version !== undefined) headers['If-Match'] = `"${options.version}"`;
  if (options.once !== undefined) headers['Idempotency-Key'] = options.once;
  const body = options.body === undefined ? null : JSON.stringify(options.body);
  for (let refusals = 1; ; refusals += 1) {
    const token = await idToken();
    const answer = await fetched(address, {
      method: method.toUpperCase(),
      headers: { ...headers, Authorization: token },
      body,
      signal: options.signal ?? null,
    });
    if (answer.status === 401) {
      await endSession(token, refusals);
      continue;
    }
    if (!answer.ok) throw await asProblem(answer);
    if (answer.status === 204) return undefined as Answer<Operation<M, P>>;
    return (await answer.json()) as Answer<Operation<M, P>>;
  }
}

/** Asks a public address, which may not be there: undefined then. */
export async function callPublic<T>(address: string): Promise<T | undefined> {
  const answer = await fetched(address, { headers: { Accept: 'application/json' } });
  if (answer.status === 404 || answer.status === 403) return undefined;
  if (!answer.ok) throw await asProblem(answer);
  if (!(answer.headers.get('Content-Type') ?? '').includes('json')) return undefined;
  return (await answer.json()) as T;
}

export { Offline, Problem };
