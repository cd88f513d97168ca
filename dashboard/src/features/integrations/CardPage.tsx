import { Anchor, Button, Group, List, Menu, Stack, Text, VisuallyHidden } from '@mantine/core';
import { IconChevronDown, IconRefresh } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/client';
import { useAccount } from '../../app/account';
import { HelpLink } from '../../app/Help';
import { Confirm, Dialog } from '../../components/Confirm';
import { Go } from '../../components/Go';
import { StatusPill, Strip } from '../../components/Meaning';
import { ProblemNotice } from '../../components/Notice';
import { Page, Panel } from '../../components/Page';
import { Fence, Part } from '../../components/Part';
import { PlatformSymbol } from '../../components/Platform';
import { CopyField, LocalTime, Said, Until } from '../../components/Text';
import { FreezeDialog, FrozenStrip } from '../freezing/FreezeDialog';
import { RemovalStrip, RemoveDataDialog } from '../privacy/RemoveData';
import { storesQuery } from '../stores/queries';
import { Syncs } from '../sync/Syncs';
import { AgeGate } from './AgeGate';
import { Credentials } from './Credentials';
import { Flow } from './Flow';
import { type Card, cardQuery, useCardAct } from './queries';
import { Settings } from './Settings';
import { pillOf, standsStill, troubleOf } from './state';
import { t } from './words';

export function CardPage() {
  const { platform = '' } = useParams({ strict: false }) as { platform?: string };
  const account = useAccount();
  const card = useQuery({
    ...cardQuery(account.uid, platform),
    enabled: account.may('integrations:read'),
  });
  const title = card.data?.title ?? t('title');
  return (
    <Page
      title={title}
      heading={card.data && <CardTitle card={card.data} />}
      crumbs={[
        { label: t('settings') },
        { label: t('title'), to: `/a/${account.uid}/settings/integrations` },
        { label: title },
      ]}
      actions={card.data && <Acts card={card.data} />}
      right="integrations:read"
    >
      <Part query={card} title={title}>
        {(said) => <CardBody card={said} />}
      </Part>
    </Page>
  );
}

function CardTitle({ card }: { card: Card }) {
  return (
    <Group gap="sm" component="span">
      <PlatformSymbol platform={card.platform} size={40} />
      <span>{card.title}</span>
      <StatusPill {...pillOf(card)} />
    </Group>
  );
}

function Acts({ card }: { card: Card }) {
  const account = useAccount();
  const path = { uid: account.uid, platform: card.platform };
  const [asking, setAsking] = useState<'disconnect' | 'freeze' | 'remove'>();
  const connect = useCardAct(account.uid, card.platform, () =>
    call('post', '/api/accounts/{uid}/integrations/{platform}/connect', { path }),
  );
  const sync = useCardAct(account.uid, card.platform, () =>
    Promise.all(
      card.credentials.map((each) =>
        call('post', '/api/accounts/{uid}/integrations/{platform}/credentials/{credential}/sync', {
          path: { ...path, credential: each.id },
        }),
      ),
    ),
  );
  const disconnect = useCardAct(account.uid, card.platform, () =>
    call('post', '/api/accounts/{uid}/integrations/{platform}/disconnect', { path }),
  );
  if (!account.may('integrations:write')) return null;
  const still = standsStill(card.state);
  const unconnected = card.state === 'draft' || card.state === 'disconnected';
  function press() {
    const first = card.to_do[0];
    if (first === undefined) {
      connect.mutate();
      return;
    }
    // Not ready yet: lead to what is missing, which says itself what it is.
    const target =
      card.credentials.length === 0
        ? document.querySelector<HTMLElement>('#credentials input, #credentials button')
        : document.getElementById('age-gate-box');
    document.getElementById('to-do')?.replaceChildren(first.replaceAll('*', ''));
    target?.scrollIntoView({ block: 'center' });
    target?.focus();
  }
  return (
    <>
      {!unconnected && account.may('runs:write') && (
        <Button
          variant="default"
          leftSection={<IconRefresh size={16} aria-hidden />}
          disabled={still}
          title={still ? t('frozenOff') : undefined}
          loading={sync.isPending}
          onClick={() => sync.mutate()}
        >
          {t('syncNow')}
        </Button>
      )}
      {card.state !== 'draft' && (
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" rightSection={<IconChevronDown size={16} aria-hidden />}>
              {t('more')}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {card.state !== 'disconnected' && account.may('settings:write') && (
              <Menu.Item onClick={() => setAsking('freeze')}>{t('useBackup')}</Menu.Item>
            )}
            <Menu.Item
              component={Go}
              to={`/a/${account.uid}/settings/integrations/${card.platform}/switch`}
            >
              {t('switchPos')}
            </Menu.Item>
            {card.state !== 'disconnected' && (
              <Menu.Item disabled={still} onClick={() => setAsking('disconnect')}>
                {t('disconnect')}
              </Menu.Item>
            )}
            {account.may('sources:erase') && (
              <Menu.Item
                color="var(--bad-text)"
                disabled={still}
                onClick={() => setAsking('remove')}
              >
                {t('removeData')}
              </Menu.Item>
            )}
          </Menu.Dropdown>
        </Menu>
      )}
      {unconnected && (
        <Button loading={connect.isPending} onClick={press} className="primary-act">
          {t('connect')}
        </Button>
      )}
      {(connect.error || sync.error) && (
        <div style={{ flexBasis: '100%' }}>
          <ProblemNotice error={connect.error ?? sync.error} title={card.title} />
        </div>
      )}
      {asking === 'disconnect' && (
        <Confirm
          title={t('disconnectTitle', { title: card.title })}
          button={t('disconnect')}
          destructive
          onClose={() => setAsking(undefined)}
          act={() => disconnect.mutateAsync()}
        >
          {t('disconnectText', { title: card.title })}
        </Confirm>
      )}
      {asking === 'freeze' && (
        <FreezeDialog
          platform={card.platform}
          title={card.title}
          state={card.state}
          onClose={() => setAsking(undefined)}
        />
      )}
      {asking === 'remove' && <RemoveDataDialog of={card} onClose={() => setAsking(undefined)} />}
    </>
  );
}

function CardBody({ card }: { card: Card }) {
  const account = useAccount();
  const trouble = troubleOf(card.health.code, card.title);
  const meaning = pillOf(card).meaning;
  return (
    <Stack gap="lg">
      <Fence>
        <RemovalStrip
          card={card}
          otherwise={<FrozenStrip platform={card.platform} title={card.title} state={card.state} />}
        />
      </Fence>
      {trouble && (
        <Strip meaning={meaning}>
          {trouble}
          {card.health.since && (
            <>
              {' '}
              <LocalTime at={card.health.since} both />
            </>
          )}
        </Strip>
      )}
      {card.state === 'draft' && card.to_do.length > 0 && (
        <Strip meaning="busy">
          <span id="to-do" role="status">
            <Said>{card.to_do[0] ?? ''}</Said>
          </span>
        </Strip>
      )}
      <Facts card={card} />
      <Fence>
        <Steps card={card} />
      </Fence>
      <Credentials card={card} />
      <AgeGate card={card} />
      {card.state !== 'draft' && account.may('runs:read') && (
        <Fence>
          <Syncs card={card} />
        </Fence>
      )}
      {card.state !== 'draft' && (
        <Fence>
          <Flow card={card} />
        </Fence>
      )}
      <Settings card={card} />
      <End card={card} />
    </Stack>
  );
}

function Facts({ card }: { card: Card }) {
  const account = useAccount();
  const [contract, setContract] = useState(false);
  const connected = card.state !== 'draft' && card.state !== 'disconnected';
  return (
    <Stack gap={4}>
      <Group gap="lg" style={{ rowGap: 4 }}>
        {connected && (
          <Text component="span">
            {t('lastGood')}{' '}
            <strong>
              <LocalTime at={card.oldest_good_sync_at} both />
            </strong>
            {card.credentials.length > 1 && ` (${t('oldestOf')})`}
          </Text>
        )}
        {connected && card.next_sync_at && (
          <Text component="span" c="dimmed">
            {t('nextSync')} <Until at={card.next_sync_at} />
          </Text>
        )}
        {connected && card.last_shopper_at && (
          <Text component="span" c="dimmed">
            {t('lastShopper')} <LocalTime at={card.last_shopper_at} />
          </Text>
        )}
        {card.state !== 'draft' && account.may('personas:read') && (
          <Anchor
            component={Go}
            to={`/a/${account.uid}/personas`}
            search={{ source: card.platform }}
          >
            {t('personasOf', { title: card.title })}
          </Anchor>
        )}
      </Group>
      <Text c="dimmed" component="div">
        {card.read_only} {card.contract.note} {card.deleted_sales}{' '}
        {card.contract.inferred.length > 0 && (
          <Anchor component="button" type="button" onClick={() => setContract(true)}>
            {t('contract')}
          </Anchor>
        )}
      </Text>
      {contract && (
        <Dialog
          title={t('contractTitle', { title: card.title })}
          onClose={() => setContract(false)}
        >
          <Text>{t('contractIntro', { title: card.title })}</Text>
          <List size="sm">
            {card.contract.inferred.map((each) => (
              <List.Item key={each}>
                <code>{each}</code>
              </List.Item>
            ))}
          </List>
        </Dialog>
      )}
    </Stack>
  );
}

function Steps({ card }: { card: Card }) {
  const account = useAccount();
  const [open, setOpen] = useState<boolean>();
  const shown = open ?? card.state === 'draft';
  const pushes = card.capabilities.pushes_signups;
  const stores = useQuery({
    ...storesQuery(account.uid),
    enabled: pushes && shown && account.may('stores:read'),
  });
  if (card.steps.length === 0) return null;
  return (
    <Panel id="steps">
      <Button
        variant="subtle"
        px={4}
        aria-expanded={shown}
        onClick={() => setOpen(!shown)}
        leftSection={
          <IconChevronDown
            size={16}
            aria-hidden
            style={{ transform: shown ? undefined : 'rotate(-90deg)' }}
          />
        }
      >
        {t('steps', { title: card.title })}
      </Button>
      {shown && (
        <Stack gap="sm" mt="xs">
          <List type="ordered" spacing={4}>
            {card.steps.map((each) => (
              <List.Item key={each}>{each}</List.Item>
            ))}
          </List>
          {pushes && (
            <Group gap="md">
              <span>
                {t('uid')} <CopyField value={account.uid} label={t('uid')} />
              </span>
              {(stores.data?.items ?? []).map((store) => (
                <span key={store.id}>
                  {t('dataOf', { store: store.name })}{' '}
                  <CopyField value={String(store.id)} label={t('dataOf', { store: store.name })} />
                </span>
              ))}
              {account.may('keys:read') && (
                <Anchor component={Go} to={`/a/${account.uid}/settings/api`}>
                  {t('toApi')}
                </Anchor>
              )}
            </Group>
          )}
        </Stack>
      )}
    </Panel>
  );
}

function End({ card }: { card: Card }) {
  return (
    <Group component="section" gap="md">
      <VisuallyHidden component="h2">{t('end', { title: card.title })}</VisuallyHidden>
      <Anchor component={Go} to="/grid">
        {t('grid')}
      </Anchor>
      {card.guide_url && (
        <Anchor href={card.guide_url} target="_blank" rel="noreferrer">
          {t('guide', { title: card.title })}
        </Anchor>
      )}
      <HelpLink />
    </Group>
  );
}
