import { Anchor, Button, List, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconCircle, IconCircleCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense } from 'react';
import { call } from '../../api/client';
import { useAccount, useNow } from '../../app/account';
import { every } from '../../app/queries';
import { Go } from '../../components/Go';
import { StatusPill } from '../../components/Meaning';
import { Page, Panel } from '../../components/Page';
import { Fence, Part, Skeletons } from '../../components/Part';
import { PlatformSymbol } from '../../components/Platform';
import { FreshnessBadge } from '../../components/Text';
import { cardQuery, cardsQuery, type Summary } from '../integrations/queries';
import { inNeedFirst, pillOf } from '../integrations/state';
import { Note } from '../notifications/Note';
import { useNotifications } from '../notifications/queries';
import { storesQuery } from '../stores/queries';
import { liveRunsQuery } from '../sync/queries';
import { t } from './words';

const Figures = lazy(() => import('./Figures'));

/** Beyond that the sources and charts below would not be seen. */
const MOST_NOTES = 3;

export function OverviewPage() {
  const account = useAccount();
  const enabled = account.may('integrations:read');
  const live = useQuery({ ...liveRunsQuery(account.uid), enabled: account.may('runs:read') });
  const syncing = (live.data?.items.length ?? 0) > 0;
  const cards = useQuery({
    ...cardsQuery(account.uid),
    enabled,
    refetchInterval: every(syncing ? 5000 : 60_000),
  });
  const notes = useNotifications(account.uid, account.may('notifications:read'));
  // What needs somebody stands above the rest, and pushes nothing down when it comes.
  const told =
    notes.data !== undefined || notes.error !== null || !account.may('notifications:read');
  const connected = cards.data?.items.filter((card) => card.state !== 'draft') ?? [];
  const nothing = cards.data !== undefined && connected.length === 0;
  const needed = notes.data?.items.filter((note) => note.severity !== 'info') ?? [];
  const fresh =
    connected.length > 0 &&
    notes.data !== undefined &&
    needed.length === 0 &&
    connected.every(
      (card) =>
        card.oldest_good_sync_at !== null &&
        ['good', 'busy', 'frozen', 'idle'].includes(pillOf(card).meaning),
    );
  return (
    <Page
      title={t('title')}
      right="integrations:read"
      actions={
        nothing && account.may('integrations:write') ? (
          <Button
            component={Go}
            to={`/a/${account.uid}/settings/integrations`}
            className="primary-act"
          >
            {t('connectFirst')}
          </Button>
        ) : undefined
      }
    >
      {needed.length > 0 && (
        <Panel title={t('needsYou', { n: needed.length })} id="needs-you">
          <Stack component="ul" gap="sm" m={0} p={0} style={{ listStyle: 'none' }}>
            {needed.slice(0, MOST_NOTES).map((note) => (
              <Note key={`${note.kind} ${note.subject}`} note={note} />
            ))}
          </Stack>
          {needed.length > MOST_NOTES && (
            <Anchor component={Go} to={`/a/${account.uid}/notifications`} mt="sm" display="block">
              {t('allOfThem', { n: needed.length })}
            </Anchor>
          )}
        </Panel>
      )}
      {fresh && (
        <Text>
          <StatusPill meaning="good" word={t('allWell')} />
        </Text>
      )}
      {!told ? (
        <Skeletons lines={4} />
      ) : (
        <Part query={cards}>
          {(said) =>
            nothing ? (
              <Checklist cards={said.items} />
            ) : (
              <Panel title={t('freshness')} id="sources">
                <Stack component="ul" gap={0} m={0} p={0} style={{ listStyle: 'none' }}>
                  {inNeedFirst(said.items.filter((card) => card.state !== 'draft')).map((card) => (
                    <Source key={card.platform} card={card} uid={account.uid} />
                  ))}
                </Stack>
              </Panel>
            )
          }
        </Part>
      )}
      {told && !nothing && cards.data && (
        <Fence>
          <Suspense fallback={<Skeletons lines={2} height={120} />}>
            <Figures />
          </Suspense>
        </Fence>
      )}
    </Page>
  );
}

const DAY_HOURS = 24;

/** One source: how long ago its oldest good sync was, against the promise of a day. */
function Source({ card, uid }: { card: Summary; uid: string }) {
  const now = useNow();
  const at = card.oldest_good_sync_at;
  const hours = at ? (now - Date.parse(at)) / 3_600_000 : undefined;
  const still = pillOf(card).meaning === 'frozen';
  return (
    <li className="source">
      <Go
        to={`/a/${uid}/settings/integrations/${card.platform}`}
        className="quiet-link source-name"
      >
        <PlatformSymbol platform={card.platform} size={28} />
        <Text component="span" fw={600}>
          {card.title}
        </Text>
      </Go>
      <span
        className="freshness"
        role="img"
        aria-label={hours === undefined ? t('freshness') : t('hours', { n: Math.floor(hours) })}
      >
        {hours !== undefined && (
          <span
            className={still ? 'freshness-bar hatched' : 'freshness-bar'}
            style={{
              width: `${Math.min(100, Math.max(1, (hours / (DAY_HOURS * 1.5)) * 100))}%`,
              background: hours > DAY_HOURS ? 'var(--warn-text)' : `var(--${card.platform})`,
            }}
          />
        )}
        <span className="freshness-rule" />
      </span>
      <span className="source-state">
        {pillOf(card).meaning !== 'good' && pillOf(card).word !== 'Stale' && (
          <StatusPill {...pillOf(card)} />
        )}
        {(at !== null || pillOf(card).meaning !== 'busy') && <FreshnessBadge at={at} />}
      </span>
    </li>
  );
}

/** What a new account does first; ticked from what is there. */
function Checklist({ cards }: { cards: Summary[] }) {
  const account = useAccount();
  const { uid } = account;
  const base = `/a/${uid}/settings`;
  const stores = useQuery({ ...storesQuery(uid), enabled: account.may('stores:read') });
  const begun = cards.find((card) => card.credentials_count > 0);
  const card = useQuery({ ...cardQuery(uid, begun?.platform ?? ''), enabled: begun !== undefined });
  const texting = useQuery({
    queryKey: [uid, 'texting'],
    queryFn: ({ signal }) => call('get', '/api/accounts/{uid}/texting', { path: { uid }, signal }),
    enabled: account.may('settings:read'),
  });
  const enrols = card.data?.settings.some((each) => each.key === 'enroll_after' && each.value);
  const place = begun ? `${base}/integrations/${begun.platform}` : `${base}/integrations`;
  const steps: { label: string; to: string; done: boolean }[] = [
    { label: t('stepConnect'), to: place, done: begun !== undefined && begun.state !== 'draft' },
    { label: t('stepAge'), to: place, done: card.data?.age_gate.ticked ?? false },
    { label: t('stepStores'), to: `${base}/stores`, done: (stores.data?.items.length ?? 0) > 0 },
    { label: t('stepEnroll'), to: place, done: enrols ?? false },
    { label: t('stepNumber'), to: `${base}/texting`, done: Boolean(texting.data?.number) },
  ];
  return (
    <Panel title={t('checklist')} id="checklist">
      <List spacing="sm" center p={0}>
        {steps.map((step) => (
          <List.Item
            key={step.label}
            icon={
              step.done ? (
                <IconCircleCheck size={20} color="var(--good-text)" aria-hidden />
              ) : (
                <IconCircle size={20} color="var(--muted)" aria-hidden />
              )
            }
          >
            <Anchor component={Go} to={step.to}>
              {step.label}
            </Anchor>{' '}
            <Text component="span" c="dimmed" className={step.done ? undefined : 'unseen'}>
              ({t(step.done ? 'done' : 'open')})
            </Text>
          </List.Item>
        ))}
      </List>
      <Text c="dimmed" mt="md">
        {t('within')}
      </Text>
    </Panel>
  );
}

/** A figure with what it is. */
export function Figure({
  label,
  children,
  hint,
}: {
  label: string;
  children: ReactNode;
  hint?: ReactNode;
}) {
  return (
    <div className="panel" style={{ padding: 16 }}>
      <Text c="dimmed" fz={12}>
        {label}
      </Text>
      <Text className="figure">{children}</Text>
      {hint && (
        <Text fz={12} c="dimmed">
          {hint}
        </Text>
      )}
    </div>
  );
}

export function FigureGrid({ children }: { children: ReactNode }) {
  return <SimpleGrid cols={{ base: 1, xs: 3 }}>{children}</SimpleGrid>;
}
