/** A change that can enrol, message or remove people: counted first, applied with its token. */

import { Button, Group, List, Loader, Radio, Stack, Text, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { Problem } from '../../api/problem';
import { type Right, useAccount, useFormat } from '../../app/account';
import { every } from '../../app/queries';
import { Dialog } from '../../components/Confirm';
import { isStale } from '../../components/Conflict';
import { Go } from '../../components/Go';
import { Strip } from '../../components/Meaning';
import { ProblemNotice } from '../../components/Notice';
import { Said } from '../../components/Text';
import { t as common } from '../../components/words';
import { linesOf, touches } from './counts';
import { t } from './words';

type Preview = Schemas['PreviewAnswer'];
type Job = Schemas['JobAnswer'];
type Members = NonNullable<Schemas['SettingsApplication']['members']>;

/** What a change is of. */
export type Subject =
  | { kind: 'setting'; platform: string; version: number; key: string; value: string | null }
  | { kind: 'switch'; platform: string; version: number; key: 'sync_to_market'; on: boolean }
  | { kind: 'trust'; platform: string; version: number }
  | { kind: 'loyalty'; version: number; changes: Schemas['LoyaltyChange'] }
  /** What is saved by a form of its own once it is counted. */
  | {
      kind: 'form';
      right: Right;
      begin: () => Promise<Preview>;
      save: (token: string) => Promise<void>;
    };

interface Props {
  of: Subject;
  title: string;
  onClose: () => void;
  /** A setting that is a day: lets the person choose it first. */
  day?: boolean;
  removable?: boolean;
  onApplied?: (job: Job) => void;
  /** Told that somebody changed the thing meanwhile, where its form shows both versions. */
  onStale?: (error: Problem) => void;
}

async function begin(uid: string, of: Subject, value: string | null): Promise<Preview> {
  switch (of.kind) {
    case 'setting':
      return call('post', '/api/accounts/{uid}/integrations/{platform}/settings/preview', {
        path: { uid, platform: of.platform },
        body: { [of.key]: value },
      });
    case 'switch':
      return call('post', '/api/accounts/{uid}/integrations/{platform}/settings/preview', {
        path: { uid, platform: of.platform },
        body: { [of.key]: of.on },
      });
    case 'form':
      return of.begin();
    case 'trust':
      return call(
        'post',
        '/api/accounts/{uid}/integrations/{platform}/trust-opt-in-flags/preview',
        { path: { uid, platform: of.platform } },
      );
    case 'loyalty':
      return call('post', '/api/accounts/{uid}/loyalty/preview', {
        path: { uid },
        body: of.changes,
      });
  }
}

async function apply(
  uid: string,
  of: Subject,
  value: string | null,
  token: string,
  members: Members,
): Promise<Job | undefined> {
  switch (of.kind) {
    case 'form':
      await of.save(token);
      return undefined;
    case 'switch':
      return call('post', '/api/accounts/{uid}/integrations/{platform}/settings/apply', {
        path: { uid, platform: of.platform },
        version: of.version,
        body: { token, changes: { [of.key]: of.on }, members },
      });
    case 'setting':
      return call('post', '/api/accounts/{uid}/integrations/{platform}/settings/apply', {
        path: { uid, platform: of.platform },
        version: of.version,
        body: { token, changes: { [of.key]: value }, members },
      });
    case 'trust':
      return call('put', '/api/accounts/{uid}/integrations/{platform}/trust-opt-in-flags', {
        path: { uid, platform: of.platform },
        version: of.version,
        body: { trusted: true, token },
      });
    case 'loyalty':
      return call('post', '/api/accounts/{uid}/loyalty/apply', {
        path: { uid },
        version: of.version,
        body: { token, changes: of.changes },
      });
  }
}

function rightOf(of: Subject): Right {
  if (of.kind === 'form') return of.right;
  return of.kind === 'trust' ? 'sources:trust' : 'settings:write';
}

export function PreviewDialog({
  of,
  title,
  onClose,
  day = false,
  removable,
  onApplied,
  onStale,
}: Props) {
  const account = useAccount();
  const cache = useQueryClient();
  const format = useFormat();
  const mayApply = account.may(rightOf(of));
  const current = of.kind === 'setting' ? of.value : null;
  const [value, setValue] = useState<string | null>(current);
  const [id, setId] = useState<string>();
  const [members, setMembers] = useState<Members>('keep');
  const [error, setError] = useState<unknown>();
  const [fresh, setFresh] = useState(false);
  const [busy, setBusy] = useState(false);
  const [dayFault, setDayFault] = useState<string>();
  const [began] = useState(current);
  const started = useQuery({
    queryKey: [account.uid, 'preview-of', title],
    queryFn: () => begin(account.uid, of, null),
    enabled: !day && id === undefined,
    staleTime: 0,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
  });
  const shownId = id ?? started.data?.id;
  const preview = useQuery({
    queryKey: [account.uid, 'previews', shownId],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/previews/{preview}', {
        path: { uid: account.uid, preview: shownId ?? '' },
        signal,
      }),
    enabled: shownId !== undefined,
    refetchInterval: every<Preview>(800, (said) => said === undefined || said.state === 'counting'),
    staleTime: 0,
  });

  async function count(wanted: string | null) {
    setError(undefined);
    setFresh(false);
    setBusy(true);
    try {
      setValue(wanted);
      setId((await begin(account.uid, of, wanted)).id);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }

  async function go(token: string) {
    setBusy(true);
    setError(undefined);
    try {
      const job = await apply(account.uid, of, value, token, members);
      if (job) {
        cache.setQueryData([account.uid, 'jobs', job.id], job);
        onApplied?.(job);
      }
      void cache.invalidateQueries({ queryKey: [account.uid, 'integrations'] });
      void cache.invalidateQueries({ queryKey: [account.uid, 'loyalty'] });
      onClose();
    } catch (failure) {
      const next = failure instanceof Problem ? failure.document.preview : undefined;
      if (typeof next === 'string') {
        setId(next);
        setFresh(true);
      } else if (isStale(failure) && onStale) {
        onStale(failure);
      } else setError(failure);
      if (isStale(failure)) {
        void cache.invalidateQueries({ queryKey: [account.uid, 'integrations'] });
      }
    }
    setBusy(false);
  }

  const said = preview.data;
  // A form that turns out to touch nobody is saved without a question.
  const harmless = of.kind === 'form' && said !== undefined && !touches(said);
  const token = said?.token;
  const went = useRef(false);
  useEffect(() => {
    if (!harmless || !token || went.current) return;
    went.current = true;
    void go(token);
  });
  const failed = error ?? started.error ?? preview.error;
  return (
    <Dialog title={title} onClose={onClose} size="lg">
      {day && (
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            if (!value) setDayFault(t('dayNeeded'));
            else void count(value);
          }}
        >
          <Group align="flex-end" gap="xs">
            <TextInput
              type="date"
              label={t('day')}
              value={value ?? ''}
              error={dayFault}
              onChange={(event) => {
                setDayFault(undefined);
                setValue(event.currentTarget.value || null);
                setId(undefined);
              }}
              style={{ flex: '1 1 160px' }}
            />
            <Button type="submit" variant={said ? 'default' : 'filled'} loading={busy && !said}>
              {t('preview')}
            </Button>
            {removable && current && (
              <Button
                variant="outline"
                className="destructive"
                disabled={busy}
                onClick={() => void count(null)}
              >
                {common('remove')}
              </Button>
            )}
          </Group>
        </form>
      )}
      {of.kind === 'setting' && current !== began && (
        <Strip meaning="warn" live>
          <Said>
            {t('changedMeanwhile', {
              theirs: current ? format.day(current) : t('notSet'),
              before: began ? format.day(began) : t('notSet'),
            })}
          </Said>
        </Strip>
      )}
      {fresh && (
        <Strip meaning="warn" live>
          {t('outdated')}
        </Strip>
      )}
      {failed != null && (
        <Failed
          error={failed}
          onClose={onClose}
          again={isStale(error) ? () => void count(value) : undefined}
        />
      )}
      {shownId !== undefined && said === undefined && failed == null && (
        <Group gap="xs" role="status">
          <Loader size="sm" /> {t('counting')}
        </Group>
      )}
      {said && failed == null && (
        <Counts
          said={said}
          removed={of.kind === 'setting' && value === null}
          members={members}
          setMembers={setMembers}
        />
      )}
      <Group justify="flex-end">
        {!mayApply && <Text c="dimmed">{t('role')}</Text>}
        <Button variant="default" onClick={onClose}>
          {common('cancel')}
        </Button>
        {mayApply && said && (
          <Button
            disabled={!said.token}
            loading={busy}
            onClick={() => said.token && void go(said.token)}
          >
            {buttonOf(said, of.kind === 'setting' && value === null, members)}
          </Button>
        )}
      </Group>
    </Dialog>
  );
}

/** The button says what happens: `Enroll 412 and text 388`. */
export function buttonOf(
  said: Pick<Preview, 'counts'>,
  removed: boolean,
  members: Members,
): string {
  const { enrolled: n, messages: m, lost } = said.counts;
  if (removed && lost > 0) return t(members === 'keep' ? 'removeKeep' : 'removeLetGo', { n: lost });
  if (removed) return t('remove');
  if (n > 0 && m > 0) return t('enrollAndText', { n, m });
  if (n > 0) return t('enroll', { n });
  if (m > 0) return t('text', { m });
  return t('apply');
}

function Failed({
  error,
  onClose,
  again,
}: {
  error: unknown;
  onClose: () => void;
  again: (() => void) | undefined;
}) {
  const box = error instanceof Problem && /age-gate box/i.test(error.message);
  return (
    <ProblemNotice
      error={error}
      retry={again}
      action={
        box ? (
          <Button
            variant="default"
            onClick={() => {
              onClose();
              window.setTimeout(() => document.getElementById('age-gate-box')?.focus(), 50);
            }}
          >
            {t('goToBox')}
          </Button>
        ) : undefined
      }
    />
  );
}

function Counts({
  said,
  removed,
  members,
  setMembers,
}: {
  said: Preview;
  removed: boolean;
  members: Members;
  setMembers: (choice: Members) => void;
}) {
  const format = useFormat();
  const { counts } = said;
  if (said.state === 'counting') {
    return (
      <Stack gap={4} role="status">
        <Group gap="xs">
          <Loader size="sm" />
          {t('still', { n: counts.personas })}
        </Group>
        <Text c="dimmed">{t('mayClose')}</Text>
      </Stack>
    );
  }
  const lines = linesOf(counts, format.points(counts.points));
  return (
    <Stack gap="sm">
      <div role="status">
        {lines.length === 0 ? (
          <Text>{t('nobody')}</Text>
        ) : (
          <List spacing={4}>
            {lines.map((line) => (
              <List.Item key={line}>
                <Said>{line}</Said>
              </List.Item>
            ))}
          </List>
        )}
      </div>
      {counts.largest.length > 0 && <Largest of={counts.largest} />}
      {(said.notes ?? []).map((note) => (
        <Strip meaning="busy" key={note}>
          <Said>{note}</Said>
        </Strip>
      ))}
      {counts.lost > 0 && said.warning && (
        <Strip meaning="warn">
          <strong>{t('warning')}</strong> <span>{said.warning}</span>
        </Strip>
      )}
      {counts.lost > 0 && (
        <Radio.Group
          label={t('choose')}
          value={members}
          onChange={(choice) => setMembers(choice as Members)}
        >
          <Stack gap={6} mt={6}>
            <Radio value="keep" label={t('keep')} description={t('keepText', { n: counts.lost })} />
            <Radio
              value="let_go"
              label={t('letGo')}
              description={t('letGoText', { n: counts.lost })}
            />
          </Stack>
          <Text c="dimmed" mt={6}>
            {t('formStay')}
          </Text>
        </Radio.Group>
      )}
      {counts.messages > 0 && <Text>{t('sending')}</Text>}
      {(counts.enrolled > 0 || counts.messages > 0 || removed) && (
        <Text c="dimmed">{t('takes')}</Text>
      )}
    </Stack>
  );
}

function Largest({ of }: { of: Preview['counts']['largest'] }): ReactNode {
  const account = useAccount();
  const format = useFormat();
  return (
    <details>
      <summary>{t('largest')}</summary>
      <ul>
        {of.slice(0, 10).map((each) => (
          <li key={each.persona}>
            <Go to={`/a/${account.uid}/personas/${each.persona}`} target="_blank">
              {each.persona.slice(0, 10)}
            </Go>
            : {format.points(each.before)} → {format.points(each.after)}
          </li>
        ))}
      </ul>
    </details>
  );
}
