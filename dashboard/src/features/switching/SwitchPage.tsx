/** Switch POS: freeze the old, connect the new, dates, first sync, check, finish. */

import { Button, Group, Select, Stack, Stepper, Text, TextInput } from '@mantine/core';
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type FormEvent, type ReactNode, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAccount, useFormat, useReasons, useUid } from '../../app/account';
import { every } from '../../app/queries';
import { Confirm } from '../../components/Confirm';
import { Go } from '../../components/Go';
import { Strip } from '../../components/Meaning';
import { ProblemNotice } from '../../components/Notice';
import { Page, Panel } from '../../components/Page';
import { Part } from '../../components/Part';
import { FreezeDialog } from '../freezing/FreezeDialog';
import { cardQuery, cardsQuery } from '../integrations/queries';
import { t } from './words';

type Summary = Schemas['SwitchSummary'];
type Step = Summary['step'];
const STEPS: Step[] = ['freeze', 'connect', 'dates', 'sync', 'check'];
const switchesKey = (uid: string) => [uid, 'switches'];

export function SwitchPage() {
  const account = useAccount();
  const { uid } = account;
  const { platform } = useParams({ strict: false }) as { platform: string };
  const switches = useQuery({
    queryKey: switchesKey(uid),
    queryFn: ({ signal }) => call('get', '/api/accounts/{uid}/switches', { path: { uid }, signal }),
    enabled: account.may('integrations:read'),
    refetchInterval: every(5000),
  });
  const cards = useQuery({ ...cardsQuery(uid), enabled: account.may('integrations:read') });
  const titleOf = (name: string) =>
    cards.data?.items.find((card) => card.platform === name)?.title ?? name;
  const base = `/a/${uid}/settings/integrations`;
  return (
    <Page
      title={t('title')}
      crumbs={[
        { label: t('settings') },
        { label: t('integrations'), to: base },
        { label: titleOf(platform), to: `${base}/${platform}` },
        { label: t('title') },
      ]}
      intro={t('intro', { from: titleOf(platform) })}
      right="integrations:write"
    >
      <Part query={switches}>
        {(said) => {
          const open = said.items.find(
            (each) => each.state === 'open' && [each.from, each.to].includes(platform as never),
          );
          const last = said.items.find((each) => each.from === platform);
          if (open) return <Steps of={open} titleOf={titleOf} />;
          return (
            <Stack>
              {last && last.state !== 'open' && (
                <Strip meaning={last.state === 'finished' ? 'good' : 'idle'}>
                  {t(last.state === 'finished' ? 'finished' : 'abandoned')}
                </Strip>
              )}
              <Begin from={platform} cards={cards.data?.items ?? []} />
            </Stack>
          );
        }}
      </Part>
    </Page>
  );
}

function Begin({ from, cards }: { from: string; cards: Schemas['CardSummary'][] }) {
  const uid = useUid();
  const cache = useQueryClient();
  const [to, setTo] = useState<string | null>(null);
  const [day, setDay] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const reasons = useReasons()(error);
  async function submit(event: FormEvent) {
    event.preventDefault();
    if (busy || !to) return;
    setBusy(true);
    setError(undefined);
    try {
      await call('post', '/api/accounts/{uid}/switches', {
        path: { uid },
        body: { from, to, day: day || null },
      });
      await cache.invalidateQueries({ queryKey: switchesKey(uid) });
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }
  return (
    <Panel>
      <form onSubmit={submit} noValidate>
        <Stack>
          {error !== undefined && <ProblemNotice error={error} />}
          <Select
            label={t('to')}
            data={cards
              .filter((card) => card.platform !== from)
              .map((card) => ({ value: card.platform as string, label: card.title }))}
            value={to}
            error={reasons.to}
            onChange={setTo}
          />
          <TextInput
            type="date"
            label={t('day')}
            description={t('dayHelp')}
            value={day}
            error={reasons.day}
            onChange={(event) => setDay(event.currentTarget.value)}
          />
          <Group justify="flex-end">
            <Button type="submit" loading={busy} disabled={!to}>
              {t('begin')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Panel>
  );
}

function Steps({ of, titleOf }: { of: Summary; titleOf: (platform: string) => string }) {
  const uid = useUid();
  const cache = useQueryClient();
  const format = useFormat();
  const [freezing, setFreezing] = useState(false);
  const [leaving, setLeaving] = useState(false);
  const at = STEPS.indexOf(of.step);
  const [old, fresh] = [titleOf(of.from), titleOf(of.to)];
  const card = `/a/${uid}/settings/integrations/${of.to}`;
  const settings = useQuery(cardQuery(uid, of.to)).data?.settings;
  const labelOf = (key: string) => settings?.find((each) => each.key === key)?.label ?? t('day');
  const again = () => cache.invalidateQueries({ queryKey: switchesKey(uid) });
  const steps: [Step, string, string, ReactNode][] = [
    [
      'freeze',
      t('freeze', { name: old }),
      t('freezeText', { name: old }),
      <Button key="freeze" onClick={() => setFreezing(true)}>
        {t('freeze', { name: old })}
      </Button>,
    ],
    [
      'connect',
      t('connect', { name: fresh }),
      t('connectText'),
      <Button key="connect" component={Go} to={card}>
        {t('open')}
      </Button>,
    ],
    [
      'dates',
      t('dates'),
      t('datesText'),
      <Stack key="dates" gap="xs" align="flex-start">
        {Object.entries(of.proposed).map(([key, day]) => (
          <Text key={key}>
            {labelOf(key)}: <strong>{format.day(String(day))}</strong>
          </Text>
        ))}
        <Button component={Go} to={card}>
          {t('open')}
        </Button>
      </Stack>,
    ],
    [
      'sync',
      t('sync'),
      t('syncText', { name: fresh }),
      <Button key="sync" component={Go} to={card}>
        {t('open')}
      </Button>,
    ],
    [
      'check',
      t('check'),
      t('checkText'),
      <Check key="check" of={of} titleOf={titleOf} again={again} />,
    ],
  ];
  return (
    <Stack>
      <Panel>
        <Stepper active={at < 0 ? STEPS.length : at} orientation="vertical" size="sm">
          {steps.map(([step, label, text, act]) => (
            <Stepper.Step
              key={step}
              label={label}
              description={step === of.step ? text : t(STEPS.indexOf(step) < at ? 'done' : 'later')}
            >
              {act}
            </Stepper.Step>
          ))}
        </Stepper>
      </Panel>
      <Group justify="flex-end">
        <Button variant="outline" className="destructive" onClick={() => setLeaving(true)}>
          {t('abandon')}
        </Button>
      </Group>
      {freezing && (
        <FreezeDialog
          platform={of.from}
          title={old}
          state="connected"
          onClose={() => {
            setFreezing(false);
            void again();
          }}
        />
      )}
      {leaving && (
        <Confirm
          title={t('abandon')}
          button={t('abandon')}
          destructive
          onClose={() => setLeaving(false)}
          act={async () => {
            await call('post', '/api/accounts/{uid}/switches/{switch}/abandon', {
              path: { uid, switch: of.id },
            });
            await again();
          }}
        >
          {t('abandonText')}
        </Confirm>
      )}
    </Stack>
  );
}

interface Checking {
  of: Summary;
  titleOf: (platform: string) => string;
  again: () => Promise<void>;
}

function Check({ of, titleOf, again }: Checking) {
  const uid = useUid();
  const [old, fresh] = [titleOf(of.from), titleOf(of.to)];
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const path = { uid, switch: of.id };
  async function act(work: () => Promise<unknown>) {
    setBusy(true);
    setError(undefined);
    try {
      await work();
      await again();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }
  const checked = of.checked_at !== null;
  return (
    <Stack gap="sm">
      {error !== undefined && <ProblemNotice error={error} />}
      {of.checking && (
        <Strip meaning="busy" live>
          {t('checking', { n: of.checking.personas })}
        </Strip>
      )}
      {checked && (
        <ul style={{ margin: 0, paddingInlineStart: 20 }}>
          <li>{t('both', { n: of.joined ?? 0 })}</li>
          <li>{t('onlyOld', { n: of.only_old ?? 0, name: old })}</li>
          <li>{t('onlyNew', { n: of.only_new ?? 0, name: fresh })}</li>
          <li>
            {t('doubled', { n: of.doubled_sales ?? 0 })}.{' '}
            {(of.doubled_sales ?? 0) > 0 && t('undecided', { n: of.undecided ?? 0 })}
          </li>
        </ul>
      )}
      {(of.doubled_sales ?? 0) > 0 && <Pairs of={of} titleOf={titleOf} again={again} />}
      <Group>
        <Button
          variant={checked ? 'default' : 'filled'}
          loading={busy || of.checking !== null}
          onClick={() =>
            void act(() => call('post', '/api/accounts/{uid}/switches/{switch}/check', { path }))
          }
        >
          {t(checked ? 'checkAgain' : 'checkNow')}
        </Button>
        {checked && (
          <Button
            loading={busy}
            disabled={of.checking !== null}
            onClick={() =>
              void act(() => call('post', '/api/accounts/{uid}/switches/{switch}/finish', { path }))
            }
          >
            {t('finish')}
          </Button>
        )}
      </Group>
    </Stack>
  );
}

function Pairs({ of, titleOf, again }: Checking) {
  const uid = useUid();
  const format = useFormat();
  const cache = useQueryClient();
  const key = [...switchesKey(uid), of.id, 'doubled'];
  const [error, setError] = useState<unknown>();
  const pairs = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) =>
      call('get', '/api/accounts/{uid}/switches/{switch}/doubled', {
        path: { uid, switch: of.id },
        query: { limit: 50, cursor: pageParam },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });
  async function decide(pair: string, same: boolean) {
    setError(undefined);
    try {
      await call('post', '/api/accounts/{uid}/switches/{switch}/doubled/{pair}', {
        path: { uid, switch: of.id, pair },
        body: { same, left_out: 'b' },
      });
      await cache.invalidateQueries({ queryKey: key });
      await again();
    } catch (failure) {
      setError(failure);
    }
  }
  const rows = pairs.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Stack gap="xs">
      <Text fw={600}>{t('pairs')}</Text>
      <Text c="dimmed">{t('pairHelp')}</Text>
      {(error ?? pairs.error) != null && <ProblemNotice error={error ?? pairs.error} />}
      {rows.map((pair) => (
        <Group key={pair.n} justify="space-between">
          <Text>
            {format.day(pair.day)} · {format.money(pair.a.amount)} · {titleOf(pair.a.platform)}{' '}
            <bdi>{pair.a.ext_id}</bdi> / {titleOf(pair.b.platform)} <bdi>{pair.b.ext_id}</bdi>
            {pair.same !== null && ` · ${t(pair.same ? 'decidedOne' : 'decidedTwo')}`}
          </Text>
          <Group gap="xs">
            <Button
              size="xs"
              variant="default"
              aria-pressed={pair.same === true}
              onClick={() => void decide(pair.n, true)}
            >
              {t('oneSale')}
            </Button>
            <Button
              size="xs"
              variant="default"
              aria-pressed={pair.same === false}
              onClick={() => void decide(pair.n, false)}
            >
              {t('twoSales')}
            </Button>
          </Group>
        </Group>
      ))}
      {pairs.hasNextPage && (
        <Button variant="default" onClick={() => void pairs.fetchNextPage()}>
          {t('more')}
        </Button>
      )}
    </Stack>
  );
}
