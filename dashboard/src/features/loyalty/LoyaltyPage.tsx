/** Settings > Loyalty: how points are earned; every change is counted first. */

import {
  Button,
  Checkbox,
  Group,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { call } from '../../api/client';
import type { Problem } from '../../api/problem';
import { useAccount, useFormat, useUid } from '../../app/account';
import { ConflictDialog, type Field, yesOrNo } from '../../components/Conflict';
import { Go } from '../../components/Go';
import { ProblemNotice } from '../../components/Notice';
import { Page, Panel } from '../../components/Page';
import { Part } from '../../components/Part';
import { SaveBar } from '../../components/SaveBar';
import { PreviewDialog } from '../changes/PreviewDialog';
import { ProgressOfJob } from '../changes/ProgressOfJob';
import { cardsQuery } from '../integrations/queries';
import { changeOf, type Draft, draftOf, fromTexts, pointsFor, type Rules, textsOf } from './rules';
import { t } from './words';

const EXAMPLE_MINOR = 4210;

const loyaltyQuery = (uid: string) =>
  queryOptions({
    queryKey: [uid, 'loyalty'],
    queryFn: ({ signal }) => call('get', '/api/accounts/{uid}/loyalty', { path: { uid }, signal }),
  });

/** The fields in words, for two people who change the rules at once. */
function useFields(): Field[] {
  const format = useFormat();
  return [
    { key: 'enabled', label: t('enabled'), show: yesOrNo },
    { key: 'accrual_start', label: t('start'), show: (day) => format.day(day || null) },
    { key: 'rounding', label: t('rounding'), show: (how) => t(how as Draft['rounding']) },
    { key: 'points_per_100', label: t('per100') },
    { key: 'points_per_order', label: t('perOrder') },
    { key: 'max_orders_per_day', label: t('most'), show: (n) => n || t('noLimit') },
    { key: 'expire_after_days', label: t('expire'), show: (n) => n || t('never') },
    { key: 'exclude_tax', label: t('tax'), show: yesOrNo },
    { key: 'earn_only_from_joining', label: t('joining'), show: yesOrNo },
  ];
}

export function LoyaltyPage() {
  const uid = useUid();
  const rules = useQuery(loyaltyQuery(uid));
  return (
    <Page
      title={t('title')}
      crumbs={[{ label: t('settings') }, { label: t('title') }]}
      intro={t('intro')}
      right="settings:read"
    >
      <Part query={rules}>
        {(said) => (
          <>
            {said.job && said.job.subject === 'loyalty' && <ProgressOfJob job={said.job} />}
            <Form key={uid} rules={said} />
          </>
        )}
      </Part>
      <Sources />
    </Page>
  );
}

function Form({ rules }: { rules: Rules }) {
  const account = useAccount();
  const format = useFormat();
  const [base, setBase] = useState(rules);
  const before = draftOf(base);
  const [draft, setDraft] = useState<Draft>(before);
  const [counting, setCounting] = useState(false);
  const [stale, setStale] = useState<{ error: Problem; theirs: Rules }>();
  const [unread, setUnread] = useState<unknown>();
  const cache = useQueryClient();
  const fields = useFields();
  const may = account.may('previews:run');
  const change = changeOf(before, draft);
  const dirty = Object.keys(change).length > 0;
  // Rules that come in, also by a card's dates, are taken over while nothing is typed here.
  const free = useRef(true);
  const applied = useRef(false);
  free.current = !dirty;
  useEffect(() => {
    if (!free.current && !applied.current) return;
    applied.current = false;
    setBase(rules);
    setDraft(draftOf(rules));
  }, [rules]);
  const points = pointsFor(EXAMPLE_MINOR, draft);
  const wrong = (key: keyof Draft) =>
    Number.isNaN(Number(draft[key] || 0)) ? t('number') : undefined;
  const broken = (['points_per_100', 'points_per_order'] as const).some((key) => wrong(key));

  function submit(event: FormEvent) {
    event.preventDefault();
    setUnread(undefined);
    if (dirty && !broken) setCounting(true);
  }
  const set = (key: keyof Draft) => (value: string | number | boolean | null) =>
    setDraft((now) => ({
      ...now,
      [key]: typeof value === 'boolean' ? value : String(value ?? ''),
    }));
  const number = (key: 'points_per_100' | 'points_per_order') => ({
    value: draft[key],
    error: wrong(key),
    disabled: !may,
    min: 0,
    max: 10_000,
    decimalScale: 2,
    onChange: set(key),
  });
  return (
    <Panel>
      <form onSubmit={submit} noValidate>
        <Stack>
          {!account.may('settings:write') && <Text c="dimmed">{t('readOnly')}</Text>}
          <Checkbox
            label={t('enabled')}
            description={t('enabledHelp')}
            checked={draft.enabled}
            disabled={!may}
            onChange={(event) => set('enabled')(event.currentTarget.checked)}
          />
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <TextInput
              type="date"
              label={t('start')}
              description={t('startHelp')}
              value={draft.accrual_start}
              disabled={!may}
              onChange={(event) => set('accrual_start')(event.currentTarget.value)}
            />
            <Select
              label={t('rounding')}
              data={(['nearest', 'up', 'down', 'none'] as const).map((value) => ({
                value,
                label: t(value),
              }))}
              value={draft.rounding}
              disabled={!may}
              allowDeselect={false}
              onChange={set('rounding')}
            />
            <NumberInput label={t('per100')} {...number('points_per_100')} />
            <NumberInput label={t('perOrder')} {...number('points_per_order')} />
            <NumberInput
              label={t('most')}
              placeholder={t('noLimit')}
              value={draft.max_orders_per_day}
              disabled={!may}
              min={1}
              max={100}
              allowDecimal={false}
              onChange={set('max_orders_per_day')}
            />
            <NumberInput
              label={t('expire')}
              placeholder={t('never')}
              value={draft.expire_after_days}
              disabled={!may}
              min={1}
              max={3650}
              allowDecimal={false}
              onChange={set('expire_after_days')}
            />
          </SimpleGrid>
          <Checkbox
            label={t('tax')}
            description={t('taxHelp')}
            checked={draft.exclude_tax}
            disabled={!may}
            onChange={(event) => set('exclude_tax')(event.currentTarget.checked)}
          />
          <Checkbox
            label={t('joining')}
            description={t('joiningHelp')}
            checked={draft.earn_only_from_joining}
            disabled={!may}
            onChange={(event) => set('earn_only_from_joining')(event.currentTarget.checked)}
          />
          <Text fw={600} role="status">
            {draft.enabled && points !== undefined
              ? t('example', {
                  amount: format.money(EXAMPLE_MINOR),
                  points: format.points(points),
                })
              : t('exampleOff')}
          </Text>
          {may && (
            <SaveBar
              dirty={dirty}
              busy={counting}
              label={t('preview')}
              onDiscard={() => setDraft(before)}
            />
          )}
        </Stack>
      </form>
      {unread !== undefined && <ProblemNotice error={unread} />}
      {counting && (
        <PreviewDialog
          of={{ kind: 'loyalty', version: base.version, changes: change }}
          title={t('change')}
          onApplied={() => {
            applied.current = true;
          }}
          onStale={(error) => {
            setCounting(false);
            void cache
              .fetchQuery({ ...loyaltyQuery(account.uid), staleTime: 0 })
              .then((theirs) => setStale({ error, theirs }))
              .catch(setUnread);
          }}
          onClose={() => setCounting(false)}
        />
      )}
      {stale && (
        <ConflictDialog
          error={stale.error}
          fields={fields}
          before={textsOf(before)}
          theirs={textsOf(draftOf(stale.theirs))}
          yours={textsOf(draft)}
          onClose={() => setStale(undefined)}
          onDiscard={() => {
            setBase(stale.theirs);
            setDraft(draftOf(stale.theirs));
            setStale(undefined);
          }}
          onSave={(values) => {
            const wanted = fromTexts(values);
            setBase(stale.theirs);
            setDraft(wanted);
            setStale(undefined);
            // Counted anew: by their rules the numbers are others.
            const left = changeOf(draftOf(stale.theirs), wanted);
            setCounting(Object.keys(left).length > 0);
          }}
        />
      )}
    </Panel>
  );
}

function Sources() {
  const account = useAccount();
  const cards = useQuery({
    ...cardsQuery(account.uid),
    enabled: account.may('integrations:read'),
  }).data?.items.filter((card) => card.state !== 'draft');
  if (!cards || cards.length === 0) return null;
  return (
    <Group gap="xs">
      <Text c="dimmed">{t('sources')}</Text>
      {cards.map((card) => (
        <Button
          key={card.platform}
          component={Go}
          to={`/a/${account.uid}/settings/integrations/${card.platform}`}
          variant="default"
          size="xs"
        >
          {card.title}
        </Button>
      ))}
    </Group>
  );
}
