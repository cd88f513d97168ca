import { ActionIcon, Button, Group, Menu, Stack, Text, TextInput } from '@mantine/core';
import { IconDots } from '@tabler/icons-react';
import { useState } from 'react';
import { call } from '../../api/client';
import { useAccount } from '../../app/account';
import { Confirm } from '../../components/Confirm';
import { StatusPill } from '../../components/Meaning';
import { ProblemNotice } from '../../components/Notice';
import { Panel } from '../../components/Page';
import { Foreign, FreshnessBadge } from '../../components/Text';
import { CheckOutcome } from './CheckOutcome';
import { CredentialForm } from './CredentialForm';
import { hostOf, nameOfCredential } from './nameOfCredential';
import { type Card, type Check, type Credential, useCardAct } from './queries';
import { standsStill, troubleOf } from './state';
import { t } from './words';

/** The credentials of a card, and the form that adds one. */
export function Credentials({ card }: { card: Card }) {
  const account = useAccount();
  const [saved, setSaved] = useState<{ check: Check | null }>();
  const may = account.may('integrations:write');
  const [adding, setAdding] = useState(false);
  const shown = may && (adding || card.credentials.length === 0);
  const still = standsStill(card.state);
  return (
    <Panel title={t('credentials')} id="credentials">
      <Stack gap="md">
        {card.credentials.length === 0 && <Text c="dimmed">{t('noCredentials')}</Text>}
        {card.credentials.length > 0 && (
          <ul style={{ margin: 0, padding: 0, listStyle: 'none' }}>
            {card.credentials.map((each) => (
              <Row key={each.id} card={card} credential={each} />
            ))}
          </ul>
        )}
        {saved?.check && <CheckOutcome check={saved.check} card={card} saved />}
        {shown && (
          <CredentialForm
            key={card.credentials.length}
            card={card}
            disabled={still}
            onSaved={(check) => {
              setSaved({ check });
              setAdding(false);
            }}
          />
        )}
        {may && !shown && (
          <div>
            <Button
              variant="default"
              disabled={still}
              title={still ? t('frozenOff') : undefined}
              onClick={() => {
                setSaved(undefined);
                setAdding(true);
              }}
            >
              {t('addCredential')}
            </Button>
          </div>
        )}
      </Stack>
    </Panel>
  );
}

type Asking = 'replace' | 'remove' | 'reread';

function Row({ card, credential }: { card: Card; credential: Credential }) {
  const account = useAccount();
  const [asking, setAsking] = useState<Asking>();
  const [from, setFrom] = useState('');
  const [check, setCheck] = useState<Check>();
  const name = nameOfCredential(card, credential);
  const path = { uid: account.uid, platform: card.platform, credential: credential.id };
  const checking = useCardAct(account.uid, card.platform, () =>
    call('post', '/api/accounts/{uid}/integrations/{platform}/credentials/{credential}/check', {
      path,
    }),
  );
  const sync = useCardAct(account.uid, card.platform, () =>
    call('post', '/api/accounts/{uid}/integrations/{platform}/credentials/{credential}/sync', {
      path,
    }),
  );
  const reread = useCardAct(account.uid, card.platform, () =>
    call('post', '/api/accounts/{uid}/integrations/{platform}/credentials/{credential}/reread', {
      path,
      body: { from },
    }),
  );
  const remove = useCardAct(account.uid, card.platform, () =>
    call('delete', '/api/accounts/{uid}/integrations/{platform}/credentials/{credential}', {
      path,
    }),
  );
  const still = standsStill(card.state);
  const trouble = credential.last_error ? troubleOf(credential.last_error, card.title) : undefined;
  const four = credential.secrets[0]?.last_four;
  const run = (act: () => void) => () => {
    setCheck(undefined);
    act();
  };
  return (
    <li style={{ borderBlockEnd: '1px solid var(--line)', paddingBlock: 8 }}>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Group gap="sm" style={{ rowGap: 2 }}>
          <Text component="span" fw={650}>
            <Foreign>{name}</Foreign>
          </Text>
          {four && !name.endsWith(four) && (
            <Text component="span" c="dimmed">
              ••••{four}
            </Text>
          )}
          {credential.market && (
            <Text component="span" c="dimmed">
              {t('market', { market: credential.market })}
            </Text>
          )}
          {card.state !== 'draft' && <FreshnessBadge at={credential.last_sync_at} />}
          {trouble && (
            <StatusPill
              meaning={credential.stopped ? 'bad' : 'warn'}
              word={trouble}
              reason={credential.stopped ? t('stopped') : undefined}
            />
          )}
        </Group>
        {account.may('integrations:write') && (
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon aria-label={t('actsOf', { name })}>
                <IconDots size={20} aria-hidden />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item
                disabled={still}
                onClick={run(() => checking.mutate(undefined, { onSuccess: setCheck }))}
              >
                {t('check')}
              </Menu.Item>
              <Menu.Item disabled={still} onClick={run(() => setAsking('replace'))}>
                {t('replaceKey')}
              </Menu.Item>
              {card.state !== 'draft' && (
                <>
                  <Menu.Item disabled={still} onClick={run(() => sync.mutate())}>
                    {t('syncNow')}
                  </Menu.Item>
                  <Menu.Item disabled={still} onClick={run(() => setAsking('reread'))}>
                    {t('reread')}
                  </Menu.Item>
                </>
              )}
              <Menu.Item onClick={run(() => setAsking('remove'))}>{t('remove')}</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )}
      </Group>
      {checking.isPending && (
        <Text role="status" c="dimmed">
          {t('checking', { title: card.title })}
        </Text>
      )}
      {check && !checking.isPending && (
        <CheckOutcome
          check={check}
          card={card}
          host={hostOf(card, credential.fields)}
          stored
          again={() => checking.mutate(undefined, { onSuccess: setCheck })}
        />
      )}
      {(checking.error ?? sync.error) && (
        <ProblemNotice error={checking.error ?? sync.error} title={card.title} />
      )}
      {asking === 'replace' && (
        <ReplaceKey card={card} credential={credential} onClose={() => setAsking(undefined)} />
      )}
      {asking === 'remove' && (
        <Confirm
          title={t('removeTitle', { name })}
          button={t('removeButton')}
          destructive
          onClose={() => setAsking(undefined)}
          act={() => remove.mutateAsync()}
        >
          {t('removeText')}
        </Confirm>
      )}
      {asking === 'reread' && (
        <Confirm
          title={t('rereadTitle', { name })}
          button={t('reread')}
          ready={from !== ''}
          onClose={() => setAsking(undefined)}
          act={() => reread.mutateAsync()}
        >
          <Text>{t('rereadText')}</Text>
          <TextInput
            type="date"
            label={t('rereadFrom')}
            value={from}
            onChange={(event) => setFrom(event.currentTarget.value)}
          />
        </Confirm>
      )}
    </li>
  );
}

function ReplaceKey({
  card,
  credential,
  onClose,
}: {
  card: Card;
  credential: Credential;
  onClose: () => void;
}) {
  const account = useAccount();
  const secrets = card.credential_fields.filter((field) => field.secret);
  const [typed, setTyped] = useState<Record<string, string>>({});
  const change = useCardAct(account.uid, card.platform, () =>
    call('patch', '/api/accounts/{uid}/integrations/{platform}/credentials/{credential}', {
      path: { uid: account.uid, platform: card.platform, credential: credential.id },
      version: credential.version,
      body: { fields: typed },
    }),
  );
  return (
    <Confirm
      title={t('replaceTitle', { name: nameOfCredential(card, credential) })}
      button={t('replace')}
      ready={secrets.some((field) => typed[field.key])}
      onClose={onClose}
      act={() => change.mutateAsync()}
    >
      <Text>{t('replaceText')}</Text>
      {secrets.map((field) => (
        <TextInput
          key={field.key}
          type="password"
          autoComplete="off"
          label={field.label}
          description={field.help}
          maxLength={field.max_length}
          value={typed[field.key] ?? ''}
          onChange={(event) => setTyped({ ...typed, [field.key]: event.currentTarget.value })}
        />
      ))}
    </Confirm>
  );
}
