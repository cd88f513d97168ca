/** One discount: create it, change it, see whether the POS mirrors it. */

import { Button, Group, Stack } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { call } from '../../api/client';
import { useAccount, useReasons } from '../../app/account';
import { Confirm } from '../../components/Confirm';
import { Strip } from '../../components/Meaning';
import { ProblemNotice } from '../../components/Notice';
import { Page, Panel } from '../../components/Page';
import { Part } from '../../components/Part';
import { SaveBar } from '../../components/SaveBar';
import { CopyField } from '../../components/Text';
import { DiscountFields } from './DiscountForm';
import { changeOf, type Discount, type Draft, draftOf, inputOf, minor, NEW } from './draft';
import { Mirrors } from './Mirrors';
import { discountQuery, discountsQuery } from './queries';
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
        <Part query={query}>{(said) => <Form key={said.version} of={said} />}</Part>
      )}
    </Page>
  );
}

function faultsOf(draft: Draft): Record<string, string> {
  const faults: Record<string, string> = {};
  if (!draft.name.trim()) faults.name = t('needed');
  if (draft.points === '' || Number.isNaN(Number(draft.points))) faults.points = t('numberNeeded');
  if (Number.isNaN(minor(draft.worth))) faults.amount_off = t('numberNeeded');
  return faults;
}

function Form({ of }: { of?: Discount }) {
  const account = useAccount();
  const reasonsOf = useReasons();
  const { uid } = account;
  const cache = useQueryClient();
  const navigate = useNavigate();
  const may = account.may('discounts:write');
  const before = of ? draftOf(of) : NEW;
  const [draft, setDraft] = useState<Draft>(before);
  const [faults, setFaults] = useState<Record<string, string>>({});
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [removing, setRemoving] = useState(false);
  const [made, setMade] = useState(false);
  const dirty = JSON.stringify(draft) !== JSON.stringify(before);

  async function save() {
    setBusy(true);
    setError(undefined);
    try {
      if (of) {
        const saved = await call('patch', '/api/accounts/{uid}/discounts/{discount}', {
          path: { uid, discount: of.id },
          version: of.version,
          body: changeOf(before, draft),
        });
        cache.setQueryData(discountQuery(uid, of.id).queryKey, saved);
      } else {
        const saved = await call('post', '/api/accounts/{uid}/discounts', {
          path: { uid },
          body: inputOf(draft),
        });
        cache.setQueryData(discountQuery(uid, saved.id).queryKey, saved);
        setMade(true);
        await navigate({ href: `/a/${uid}/discounts/${saved.id}`, ignoreBlocker: true });
      }
      void cache.invalidateQueries({ queryKey: discountsQuery(uid).queryKey, exact: true });
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    const found = faultsOf(draft);
    setFaults(found);
    if (Object.keys(found).length === 0 && !busy) void save();
  }
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
        <form onSubmit={submit} noValidate>
          <Stack>
            {error !== undefined && <ProblemNotice error={error} />}
            <DiscountFields
              draft={draft}
              set={(change) => setDraft((now) => ({ ...now, ...change }))}
              reasons={{ ...reasonsOf(error), ...faults }}
              disabled={!may}
            />
            {may && (
              <SaveBar
                dirty={dirty && !made}
                busy={busy}
                label={of ? undefined : t('create')}
                onDiscard={() => setDraft(before)}
              />
            )}
          </Stack>
        </form>
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
            await call('delete', '/api/accounts/{uid}/discounts/{discount}', {
              path: { uid, discount: of.id },
              version: of.version,
            });
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
