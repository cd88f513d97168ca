/** Finds a page, a store or an integration by its name; Enter on anything else looks for personas. */

import { Modal, Stack, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { cardsQuery } from '../features/integrations/queries';
import { storesQuery } from '../features/stores/queries';
import { useAccount } from './account';
import { PLACES } from './navigation';
import { t } from './words';

const MOST = 8;

export default function Search({ onClose }: { onClose: () => void }) {
  const account = useAccount();
  const navigate = useNavigate();
  const [typed, setTyped] = useState('');
  const [at, setAt] = useState(0);
  const stores = useQuery({ ...storesQuery(account.uid), enabled: account.may('stores:read') });
  const cards = useQuery({ ...cardsQuery(account.uid), enabled: account.may('integrations:read') });
  const base = `/a/${account.uid}`;
  const things = [
    ...PLACES.filter((place) => account.may(place.right)).map((place) => ({
      label: place.label,
      to: base + place.path,
    })),
    ...(cards.data?.items ?? []).map((card) => ({
      label: `${card.title} · ${t('integrations')}`,
      to: `${base}/settings/integrations/${card.platform}`,
    })),
    ...(stores.data?.items ?? []).map((store) => ({
      label: `${store.name} · ${t('stores')}`,
      to: `${base}/settings/stores/${store.id}`,
    })),
  ];
  const wanted = typed.trim().toLowerCase();
  const found = things.filter((thing) => thing.label.toLowerCase().includes(wanted)).slice(0, MOST);
  const personas = wanted && account.may('personas:read');
  const count = found.length + (personas ? 1 : 0);
  function go(index: number) {
    const thing = found[index];
    onClose();
    if (thing) void navigate({ to: thing.to });
    // What may be a phone or a name stays out of the address.
    else if (personas) {
      void navigate({ to: `${base}/personas`, state: { typed: typed.trim() } as never });
    }
  }
  return (
    <Modal opened onClose={onClose} title={t('search')} size="lg">
      <TextInput
        data-autofocus
        aria-label={t('searchHint')}
        placeholder={t('searchHint')}
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') setAt((now) => Math.min(count - 1, now + 1));
          else if (event.key === 'ArrowUp') setAt((now) => Math.max(0, now - 1));
          else if (event.key === 'Enter') go(at);
          else return;
          event.preventDefault();
        }}
      />
      <Stack gap={2} mt="sm">
        {found.map((thing, index) => (
          <UnstyledButton
            key={thing.to}
            onClick={() => go(index)}
            p={8}
            style={{ borderRadius: 8, background: index === at ? 'var(--idle-fill)' : undefined }}
          >
            {thing.label}
          </UnstyledButton>
        ))}
        {personas && (
          <UnstyledButton
            onClick={() => go(found.length)}
            p={8}
            style={{
              borderRadius: 8,
              background: at === found.length ? 'var(--idle-fill)' : undefined,
            }}
          >
            {t('searchPersonas', { q: typed.trim() })}
          </UnstyledButton>
        )}
        {wanted && found.length === 0 && (
          <Text c="dimmed" p={8}>
            {t('noResult')}
          </Text>
        )}
      </Stack>
    </Modal>
  );
}
