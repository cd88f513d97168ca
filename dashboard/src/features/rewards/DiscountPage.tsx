/** One discount: create it, change it, see whether the POS mirrors it. */

import { Button, Group, Stack } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/client';
import { useAccount, useFormat } from '../../app/account';
import { Confirm } from '../../components/Confirm';
import { type Field, isStale, yesOrNo } from '../../components/Conflict';
import { useDraft } from '../../components/Draft';
import { Strip } from '../../components/Meaning';
import { Page, Panel } from '../../components/Page';
import { Part } from '../../components/Part';
import { SaveBar } from '../../components/SaveBar';
import { CopyField } from '../../components/Text';
import { storesQuery } from '../stores/queries';
import { DiscountFields } from './DiscountForm';
import {
  changeOf,
  type Discount,
  type Draft,
  draftOf,
  inputOf,
  minor,
  NEW,
  offOf,
  storesOf,
} from './draft';
import { Mirrors } from './Mirrors';
import { discountQuery, discountsQuery } from './queries';
import { useWorth } from './useWorth';
import { t } from './words';

export function DiscountPage() {
  const account = useAccount();
  const { discount: id } = useParams({ strict: false }) as { discount: string };
  const isNew = id === 'new';
  const query = useQuery({
    ...discountQuery(account.uid, id),
    enabled: !isNew && account.may('discounts:read'),
  });
  const title = isNew ? t('createTitle') : (query.data?.name ?? t('title'));
  return (
    <Page
      title={title}
      crumbs={[{ label: t('title'), to: `/a/${account.uid}/discounts` }, { label: title }]}
      right={isNew ? 'discounts:write' : 'discounts:read'}
    >
      {isNew ? (
        <Form key="new" />
      ) : (
        <Part query={query}>{(said) => <Form key={said.id} of={said} />}</Part>
      )}
    </Page>
  );
}

function faultsOf(draft: Draft): Record<string, string> {
  const faults: Record<string, string> = {};
  if (!draft.name?.trim()) faults.name = t('needed');
  if (!draft.points || Number.isNaN(Number(draft.points))) faults.points = t('numberNeeded');
  if (Number.isNaN(minor(offOf(draft).worth))) faults.amount_off = t('numberNeeded');
  return faults;
}

/** The fields in words, for two people who change one discount at once. */
function useFields(): Field[] {
  const account = useAccount();
  const format = useFormat();
  const worth = useWorth();
  const stores = useQuery({ ...storesQuery(account.uid), enabled: account.may('stores:read') });
  const named = new Map(stores.data?.items.map((store) => [String(store.id), store.name]));
  return [
    { key: 'name', label: t('name') },
    { key: 'points', label: t('points') },
    { key: 'off', label: t('worth'), show: (off) => worth(inputOf({ ...NEW, off })) },
    {
      key: 'stores',
      label: t('stores'),
      show: (stores) =>
        storesOf({ stores })
          .map((id) => named.get(id) ?? id)
          .join(', ') || t('every'),
    },
    { key: 'starts_on', label: t('starts'), show: (day) => format.day(day || null) },
    { key: 'ends_on', label: t('ends'), show: (day) => (day ? format.day(day) : t('always')) },
    { key: 'reusable', label: t('reusable'), show: yesOrNo },
    { key: 'cooldown_hours', label: t('cooldown') },
    {
      key: 'min_spend',
      label: t('minSpend'),
      show: (typed) => format.money(minor(typed || '0')),
    },
    { key: 'active', label: t('active'), show: yesOrNo },
  ];
}

function Form({ of }: { of?: Discount }) {
  const account = useAccount();
  const { uid } = account;
  const cache = useQueryClient();
  const navigate = useNavigate();
  const may = account.may('discounts:write');
  const [removing, setRemoving] = useState(false);
  const [made, setMade] = useState(false);
  const keep = (saved: Discount) => {
    cache.setQueryData(discountQuery(uid, saved.id).queryKey, saved);
    void cache.invalidateQueries({ queryKey: discountsQuery(uid).queryKey, exact: true });
  };
  const form = useDraft<Discount | undefined>({
    thing: of,
    fields: useFields(),
    draftOf: (discount) => (discount ? draftOf(discount) : NEW),
    faultsOf,
    save: async (on, before, wanted) => {
      if (on) {
        const saved = await call('patch', '/api/accounts/{uid}/discounts/{discount}', {
          path: { uid, discount: on.id },
          version: on.version,
          body: changeOf(before, wanted),
        });
        keep(saved);
        return saved;
      }
      const saved = await call('post', '/api/accounts/{uid}/discounts', {
        path: { uid },
        body: inputOf(wanted),
      });
      setMade(true);
      keep(saved);
      await navigate({ href: `/a/${uid}/discounts/${saved.id}`, ignoreBlocker: true });
      return saved;
    },
    read: () =>
      call('get', '/api/accounts/{uid}/discounts/{discount}', {
        path: { uid, discount: of?.id ?? '' },
      }),
    said: () => t('saved'),
  });
  const waiting = of?.mirrors.filter((mirror) => mirror.state !== 'mirrored') ?? [];
  return (
    <Stack>
      {of && waiting.length > 0 && (
        <Strip
          meaning="busy"
          action={<CopyField value={of.name} label={t('name')} asButton={t('copyName')} />}
        >
          {t('mirrorNow', { pos: waiting.map((mirror) => mirror.platform).join(', ') })}
        </Strip>
      )}
      {of && of.mirrors.length > 0 && (
        <Panel title={t('mirrors')} id="mirrors">
          <Mirrors discount={of} />
        </Panel>
      )}
      <Panel>
        <form onSubmit={form.submit} noValidate>
          <Stack>
            {form.notices}
            <DiscountFields
              draft={form.draft}
              put={form.put}
              reasons={form.reasons}
              disabled={!may}
            />
            {may && (
              <SaveBar
                dirty={form.dirty && !made}
                busy={form.busy}
                label={of ? undefined : t('create')}
                onDiscard={form.discard}
              />
            )}
          </Stack>
        </form>
        {form.conflict}
      </Panel>
      {of && may && (
        <Group justify="flex-end">
          <Button variant="outline" className="destructive" onClick={() => setRemoving(true)}>
            {t('remove')}
          </Button>
        </Group>
      )}
      {of && removing && (
        <Confirm
          title={t('removeTitle', { name: of.name })}
          button={t('remove')}
          destructive
          onClose={() => setRemoving(false)}
          act={async () => {
            try {
              await call('delete', '/api/accounts/{uid}/discounts/{discount}', {
                path: { uid, discount: of.id },
                version: of.version,
              });
            } catch (failure) {
              // What it is by now is shown, before somebody removes that.
              if (isStale(failure)) {
                void cache.invalidateQueries({ queryKey: discountQuery(uid, of.id).queryKey });
              }
              throw failure;
            }
            await cache.invalidateQueries({ queryKey: discountsQuery(uid).queryKey });
            await navigate({ href: `/a/${uid}/discounts`, ignoreBlocker: true });
          }}
        >
          {t('removeText')}
        </Confirm>
      )}
    </Stack>
  );
}
