/** What went wrong, as the API says it (RFC 9457), and what of it goes to which field. */

export interface FieldError {
  field: string;
  reason: string;
  example?: unknown;
}

export type Actor = 'you' | 'the POS' | 'us';

interface Document {
  status: number;
  detail: string;
  code: string;
  actor: Actor;
  request_id: string;
  errors?: FieldError[];
  [more: string]: unknown;
}

/** An error answer of the API. */
export class Problem extends Error {
  constructor(
    readonly document: Document,
    /** Seconds to wait before another try, when the API said so. */
    readonly retryAfter: number | undefined,
  ) {
    super(document.detail);
  }
  get status(): number {
    return this.document.status;
  }
  get code(): string {
    return this.document.code;
  }
  get actor(): Actor {
    return this.document.actor;
  }
  get fields(): FieldError[] {
    return this.document.errors ?? [];
  }
}

/** No answer came: no network, or the server is gone. */
export class Offline extends Error {
  constructor() {
    super('No answer came.');
  }
}

const OURS = 'Something went wrong on our side. Try again; if it stays, tell us the reference.';

/** The problem of an error answer; of one that is no problem document (a gateway's), a plain one. */
export async function asProblem(answer: Response): Promise<Problem> {
  const waited = Number(answer.headers.get('Retry-After'));
  const retryAfter = Number.isFinite(waited) && waited > 0 ? waited : undefined;
  let said: Partial<Document> = {};
  try {
    const read: unknown = await answer.json();
    if (read && typeof read === 'object') said = read as Partial<Document>;
  } catch {
    // No JSON: an answer that no code of ours made.
  }
  const status = answer.status;
  const document: Document = {
    ...said,
    status,
    detail: typeof said.detail === 'string' ? said.detail : OURS,
    code: typeof said.code === 'string' ? said.code : `http_${status}`,
    actor: said.actor ?? (status < 500 && status !== 403 ? 'you' : 'us'),
    request_id: said.request_id ?? answer.headers.get('x-amzn-RequestId') ?? '',
  };
  return new Problem(document, retryAfter);
}

/** Each named field's first reason: `fields.key` and `body.fields.key` are the field `key`. */
export function reasonsByField(problem: unknown): Record<string, string> {
  const reasons: Record<string, string> = {};
  if (!(problem instanceof Problem)) return reasons;
  for (const { field, reason } of problem.fields) {
    const name = field.split('.').at(-1) ?? field;
    reasons[name] ??= reason;
  }
  return reasons;
}
