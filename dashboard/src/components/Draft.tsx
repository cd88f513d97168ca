/** A form of a thing with a version: what is typed, saving it, and two people who edit it at once. */

import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { useReasons } from '../app/account';
import { ConflictDialog, type Field, isStale } from './Conflict';
import { Strip } from './Meaning';
import { ProblemNotice } from './Notice';

export type Draft = Record<string, string>;

/** The person thought better of saving. */
export class Cancelled extends Error {}

interface Options<T> {
  thing: T;
  fields: Field[];
  /** The thing as texts, so that two versions of it can be compared field by field. */
  draftOf: (thing: T) => Draft;
  /** Saves what differs, on the version that it was typed on. */
  save: (on: T, before: Draft, wanted: Draft) => Promise<T>;
  /** Reads the thing as it is by now, after somebody else changed it. */
  read: () => Promise<T>;
  /** What is said once it is saved. */
  said: (before: Draft, wanted: Draft) => string;
  /** What is wrong before it is sent, by field. */
  faultsOf?: (draft: Draft) => Record<string, string>;
}

export function useDraft<T>(options: Options<T>) {
  const { thing, fields, draftOf, save, read, said, faultsOf = () => ({}) } = options;
  const reasonsOf = useReasons();
  const [base, setBase] = useState(thing);
  const [draft, setDraft] = useState(draftOf(thing));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [done, setDone] = useState<string>();
  const [theirs, setTheirs] = useState<T>();
  const [faults, setFaults] = useState<Record<string, string>>({});
  const before = draftOf(base);
  const dirty = Object.keys(draft).some((key) => draft[key] !== before[key]);

  // What came in meanwhile is taken over while nothing was changed here.
  const changed = useRef(dirty);
  changed.current = dirty;
  // biome-ignore lint/correctness/useExhaustiveDependencies: when another version of the thing came
  useEffect(() => {
    if (changed.current) return;
    setBase(thing);
    setDraft(draftOf(thing));
  }, [thing]);

  /** Takes a thing as it was saved; what is typed goes. */
  function take(saved: T) {
    setBase(saved);
    setDraft(draftOf(saved));
    setTheirs(undefined);
    setError(undefined);
  }
  async function send(on: T, wanted: Draft) {
    setBusy(true);
    setError(undefined);
    setDone(undefined);
    const was = draftOf(on);
    try {
      take(await save(on, was, wanted));
      setDone(said(was, wanted));
    } catch (failure) {
      if (failure instanceof Cancelled) return;
      setError(failure);
      if (isStale(failure)) setTheirs(await read().catch(() => undefined));
    } finally {
      setBusy(false);
    }
  }
  function submit(event: FormEvent) {
    event.preventDefault();
    if (!dirty || busy) return;
    const found = faultsOf(draft);
    setFaults(found);
    if (Object.keys(found).length === 0) void send(base, draft);
  }
  const put = (key: string, value: string | number | null) =>
    setDraft((now) => ({ ...now, [key]: String(value ?? '') }));
  const stale = isStale(error);
  const notices: ReactNode = (
    <>
      {error !== undefined && !(stale && theirs) && <ProblemNotice error={error} />}
      {done && !dirty && (
        <Strip meaning="good" live>
          {done}
        </Strip>
      )}
    </>
  );
  const conflict: ReactNode = theirs !== undefined && stale && (
    <ConflictDialog
      error={error}
      fields={fields}
      before={before}
      theirs={draftOf(theirs)}
      yours={draft}
      onClose={() => setTheirs(undefined)}
      onDiscard={() => take(theirs)}
      onSave={(values) => {
        setBase(theirs);
        setDraft(values);
        setTheirs(undefined);
        void send(theirs, values);
      }}
    />
  );
  return {
    draft,
    before,
    base,
    dirty,
    busy,
    reasons: { ...reasonsOf(error), ...faults } as Record<string, string>,
    put,
    submit,
    take,
    discard: () => {
      setDraft(before);
      setFaults({});
    },
    notices,
    conflict,
  };
}
