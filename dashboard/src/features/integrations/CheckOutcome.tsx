import { Button, Group, List, Text } from '@mantine/core';
import { IconCheck, IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { config } from '../../app/config';
import { cut, listed } from '../../components/format';
import { type Meaning, Strip } from '../../components/Meaning';
import { Said } from '../../components/Text';
import { t as common } from '../../components/words';
import type { Card, Check } from './queries';
import { actorOfCheck } from './state';
import { t } from './words';

interface Props {
  check: Check;
  card: Card;
  /** The address of the retailer's own server that was asked, where one was typed. */
  host?: string | undefined;
  /** It was the check of a credential that is stored. */
  stored?: boolean;
  saved?: boolean;
  again?: () => void;
  saveAnyway?: () => void;
  accept?: () => void;
}

/** What the POS said to a key, who must act, and what to do about it. */
export function CheckOutcome(props: Props) {
  const { check, card, saved, host, again, saveAnyway, accept } = props;
  const title = card.title;
  if (check.outcome === 'ok') {
    return (
      <Strip meaning="good" live>
        {saved === false ? null : check.stores.length > 0 ? (
          <bdi>{t('savedOpens', { stores: storesOf(check) })}</bdi>
        ) : (
          t('saved')
        )}{' '}
        {saved && card.each_credential}
      </Strip>
    );
  }
  if (check.certificate) {
    return (
      <Refusal of={props} meaning="warn" act={accept} label={t('acceptCertificate')}>
        {t('certificate', { sum: check.certificate })}
      </Refusal>
    );
  }
  switch (check.outcome) {
    case 'key_rejected':
      return (
        <Refusal of={props} meaning="bad">
          <Rejected {...props} />
        </Refusal>
      );
    case 'permission_missing':
      return (
        <Refusal
          of={props}
          meaning="bad"
          again={again && t('checkAgain')}
          act={saveAnyway}
          label={t('saveAnyway')}
        >
          <Permissions check={check} card={card} />
        </Refusal>
      );
    case 'server_unreachable':
      return (
        <Refusal
          of={props}
          meaning="bad"
          again={again && common('tryAgain')}
          act={saveAnyway}
          label={t('saveKeepTrying')}
        >
          {host && ASKED.has(check.code) ? (
            <Unreachable title={title} host={host} />
          ) : (
            <Said>{check.message}</Said>
          )}
        </Refusal>
      );
    default:
      return (
        <Refusal
          of={props}
          meaning="warn"
          again={again && common('tryAgain')}
          act={saveAnyway}
          label={t('saveAnyway')}
        >
          {check.code === 'unexpected_answer' && t('unexpected', { title })}{' '}
          <Said>{check.message}</Said>
        </Refusal>
      );
  }
}

/** Codes of a server that was asked and did not answer. */
const ASKED = new Set(['server_unreachable', 'server_too_slow', 'upstream']);

function Refusal({
  of: { check, card, host, again: tryAgain },
  meaning,
  again,
  act,
  label,
  children,
}: {
  of: Props;
  meaning: Meaning;
  /** Says that it is tried again. */
  again?: string | undefined;
  act?: (() => void) | undefined;
  label?: string;
  children: ReactNode;
}) {
  const actor = actorOfCheck(check, host !== undefined);
  const heading =
    actor === 'you'
      ? common('youCanFix')
      : actor === 'the POS'
        ? common('theirProblem', { title: card.title })
        : common('ours');
  return (
    <Strip
      live
      meaning={meaning}
      action={
        (again || act) && (
          <Group gap="xs">
            {again && (
              <Button variant="default" onClick={tryAgain}>
                {again}
              </Button>
            )}
            {act && (
              <Button variant="default" onClick={act}>
                {label}
              </Button>
            )}
          </Group>
        )
      }
    >
      <Text fw={650} component="p" m={0}>
        {heading}
      </Text>
      <div>{children}</div>
    </Strip>
  );
}

function Rejected({ check, card, stored }: Props) {
  const words = stored ? t('rejectedStored', { title: card.title }) : undefined;
  if (check.code === 'login_expired') return <Said>{check.message}</Said>;
  return (
    <>
      {words ?? t('rejected', { title: card.title })} {card.rejected_key}{' '}
      {stored && t('giveAnother')}
    </>
  );
}

function Permissions({ check, card }: { check: Check; card: Card }) {
  // Where a POS names no permissions, its sentence says what cannot be read.
  if (card.permissions.length === 0) return <Said>{check.message}</Said>;
  const known = card.permissions.map((each) => each.name);
  return (
    <>
      {t('permissionMissing', { title: card.title })}
      <List size="sm" listStyleType="none" spacing={2} mt={4}>
        {[...new Set([...known, ...check.missing_permissions])].map((each) => {
          const missing = check.missing_permissions.includes(each);
          const note = card.permissions.find((one) => one.name === each)?.note;
          return (
            <List.Item
              key={each}
              icon={missing ? <IconX size={16} aria-hidden /> : <IconCheck size={16} aria-hidden />}
            >
              {each}: {t(missing ? 'missing' : 'granted')}
              {missing && note && <div>{note}</div>}
            </List.Item>
          );
        })}
      </List>
    </>
  );
}

function Unreachable({ title, host }: { title: string; host: string }) {
  const said = useQuery({
    queryKey: ['config'],
    queryFn: config,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const from = said.data?.calls_from ?? [];
  return <>{t('unreachable', { title, host, caller: from.length > 0 ? listed(from) : 'AIQ' })}</>;
}

const NAMED = 3;

function storesOf(check: Check): string {
  const names = check.stores.slice(0, NAMED).map((each) => cut(each.name || each.key));
  const left = check.store_count - names.length;
  const stores = names.join(', ');
  return left > 0 ? t('andMore', { stores, n: left }) : stores;
}
