import { Anchor, Button, Group, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useAccount } from '../../app/account';
import { listed } from '../../components/format';
import { Go } from '../../components/Go';
import { StatusPill } from '../../components/Meaning';
import { Empty } from '../../components/Notice';
import { Page } from '../../components/Page';
import { Part } from '../../components/Part';
import { PlatformSymbol } from '../../components/Platform';
import { FreshnessBadge, Said } from '../../components/Text';
import { t as common } from '../../components/words';
import { cardsQuery, type Summary } from './queries';
import { inNeedFirst, matches, pillOf, troubleOf } from './state';
import { t } from './words';

export function IntegrationsPage() {
  const account = useAccount();
  const navigate = useNavigate();
  const { q = '' } = useSearch({ strict: false }) as { q?: string };
  const cards = useQuery({ ...cardsQuery(account.uid), enabled: account.may('integrations:read') });
  const type = (text: string) =>
    void navigate({ to: '.', search: { q: text || undefined }, replace: true });
  return (
    <Page
      title={t('title')}
      crumbs={[{ label: t('settings') }, { label: t('title') }]}
      intro={t('intro')}
      right="integrations:read"
    >
      <Group gap="md">
        <TextInput
          aria-label={t('searchLabel')}
          placeholder={t('searchLabel')}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={q}
          onChange={(event) => type(event.currentTarget.value)}
          style={{ flex: '1 1 240px', maxWidth: 420 }}
        />
        <Anchor component={Link} to="/grid">
          {t('grid')}
        </Anchor>
      </Group>
      <Part query={cards}>
        {(said) => {
          const found = inNeedFirst(said.items.filter((card) => matches(card, q)));
          if (found.length === 0) {
            return (
              <Empty
                action={
                  <Button variant="default" onClick={() => type('')}>
                    {common('clearFilters')}
                  </Button>
                }
              >
                {t('noMatch', { q, titles: listed(said.items.map((card) => card.title)) })}
              </Empty>
            );
          }
          return (
            <SimpleGrid component="ul" cols={{ base: 1, sm: 2, lg: 3 }} p={0} m={0}>
              {found.map((card) => (
                <CardTile key={card.platform} card={card} uid={account.uid} />
              ))}
            </SimpleGrid>
          );
        }}
      </Part>
    </Page>
  );
}

function CardTile({ card, uid }: { card: Summary; uid: string }) {
  const pill = pillOf(card);
  const trouble = troubleOf(card.health.code, card.title);
  const connected = card.state !== 'draft' && card.state !== 'disconnected';
  const todo = card.state === 'draft' ? card.to_do[0] : undefined;
  return (
    <li style={{ listStyle: 'none' }}>
      <Go to={`/a/${uid}/settings/integrations/${card.platform}`} className="panel tile">
        <Group justify="space-between" wrap="nowrap" gap={8}>
          <Group gap={8} wrap="nowrap" mih={32}>
            <PlatformSymbol platform={card.platform} />
            <Text fw={650} fz={16} lh={1.25} component="span">
              {card.title}
            </Text>
          </Group>
          <StatusPill {...pill} />
        </Group>
        <Stack gap={4}>
          {connected && pill.word !== t('stale') && (
            <span>
              <FreshnessBadge at={card.oldest_good_sync_at} />
            </span>
          )}
          {(trouble || todo) && (
            <Text c="dimmed" component="span">
              <Said>{trouble ?? todo ?? ''}</Said>
            </Text>
          )}
        </Stack>
      </Go>
    </li>
  );
}
