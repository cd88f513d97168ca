import { Button, Group, List } from '@mantine/core';
import { IconCheck, IconX } from '@tabler/icons-react';
import { cut } from '../../components/format';
import { Strip } from '../../components/Meaning';
import { Said } from '../../components/Text';
import { t as common } from '../../components/words';
import type { Card, Check } from './queries';
import { t } from './words';

const PERMISSIONS: Record<string, string[]> = {
  posabit: [
    'Menu Feed Access',
    'Incoming Orders Access',
    'Venue Data Access',
    'Enhanced Customer Data Access',
  ],
};

interface Props {
  check: Check;
  card: Card;
  saved?: boolean;
  again?: () => void;
  saveAnyway?: () => void;
  accept?: () => void;
}

/** What the POS said to a key, and what to do about it. */
export function CheckOutcome({ check, card, saved, again, saveAnyway, accept }: Props) {
  const title = card.title;
  const buttons = (save: string) => (
    <Group gap="xs">
      {again && (
        <Button variant="default" onClick={again}>
          {check.outcome === 'permission_missing' ? t('checkAgain') : common('tryAgain')}
        </Button>
      )}
      {saveAnyway && (
        <Button variant="default" onClick={saveAnyway}>
          {save}
        </Button>
      )}
    </Group>
  );
  if (check.certificate && check.outcome !== 'ok') {
    return (
      <Strip
        live
        meaning="warn"
        action={
          accept && (
            <Button variant="default" onClick={accept}>
              {t('acceptCertificate')}
            </Button>
          )
        }
      >
        {t('certificate', { sum: check.certificate })}
      </Strip>
    );
  }
  switch (check.outcome) {
    case 'ok':
      return (
        <Strip meaning="good" live>
          {saved === false ? null : check.stores.length > 0 ? (
            <bdi>{t('savedOpens', { stores: storesOf(check) })}</bdi>
          ) : (
            t('saved')
          )}{' '}
          {card.platform === 'posabit' && saved && t('addMorePosabit')}
        </Strip>
      );
    case 'key_rejected':
      return (
        <Strip meaning="bad" live>
          {t('rejected', { title })} {hintOf(card.platform)}
        </Strip>
      );
    case 'permission_missing':
      return (
        <Strip meaning="bad" live action={buttons(t('saveAnyway'))}>
          {t('permissionMissing', { title })}
          <List size="sm" listStyleType="none" spacing={2} mt={4}>
            {[
              ...new Set([...(PERMISSIONS[card.platform] ?? []), ...check.missing_permissions]),
            ].map((each) => {
              const missing = check.missing_permissions.includes(each);
              return (
                <List.Item
                  key={each}
                  icon={
                    missing ? <IconX size={16} aria-hidden /> : <IconCheck size={16} aria-hidden />
                  }
                >
                  {each}: {t(missing ? 'missing' : 'granted')}
                  {missing && each === 'Enhanced Customer Data Access' && (
                    <div>{t('reachOut')}</div>
                  )}
                </List.Item>
              );
            })}
          </List>
        </Strip>
      );
    case 'server_unreachable':
      return (
        <Strip meaning="bad" live action={buttons(t('saveKeepTrying'))}>
          <Said>{check.message}</Said>
        </Strip>
      );
    default:
      return (
        <Strip meaning="warn" live action={buttons(t('saveAnyway'))}>
          {t('unexpected', { title })}
        </Strip>
      );
  }
}

function hintOf(platform: string): string {
  switch (platform) {
    case 'posabit':
      return t('hint_posabit');
    case 'thsuite':
      return t('hint_thsuite');
    case 'webjoint':
      return t('hint_webjoint');
    case 'auphan':
      return t('hint_auphan');
    case 'profitek':
      return t('hint_profitek');
    default:
      return '';
  }
}

const NAMED = 3;

function storesOf(check: Check): string {
  const names = check.stores.slice(0, NAMED).map((each) => cut(each.name || each.key));
  const left = check.store_count - names.length;
  const stores = names.join(', ');
  return left > 0 ? t('andMore', { stores, n: left }) : stores;
}
