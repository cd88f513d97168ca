/** The fields of a discount, new or known. */

import {
  Checkbox,
  MultiSelect,
  NumberInput,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useAccount } from '../../app/account';
import { storesQuery } from '../stores/queries';
import type { Draft } from './draft';
import { t } from './words';

interface Props {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  reasons: Record<string, string>;
  disabled?: boolean;
}

export function DiscountFields({ draft, set, reasons, disabled = false }: Props) {
  const account = useAccount();
  const stores = useQuery({ ...storesQuery(account.uid), enabled: account.may('stores:read') });
  const number = (key: 'points' | 'worth' | 'cooldown_hours' | 'min_spend') => ({
    value: draft[key],
    disabled,
    min: 0,
    decimalScale: 2,
    onChange: (value: string | number) => set({ [key]: String(value) }),
  });
  const symbol = account.currency === 'CAD' ? 'CA$' : '$';
  return (
    <Stack>
      <TextInput
        label={t('name')}
        description={t('nameHelp')}
        value={draft.name}
        error={reasons.name}
        disabled={disabled}
        maxLength={100}
        onChange={(event) => set({ name: event.currentTarget.value })}
      />
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <NumberInput label={t('points')} error={reasons.points} {...number('points')} />
        <div>
          <Text component="span" fz={14} fw={500}>
            {t('kind')}
          </Text>
          <SegmentedControl
            fullWidth
            aria-label={t('kind')}
            data={[
              { value: 'amount', label: t('amount') },
              { value: 'percent', label: t('percent') },
            ]}
            value={draft.kind}
            disabled={disabled}
            onChange={(kind) => set({ kind: kind as Draft['kind'] })}
          />
        </div>
        <NumberInput
          label={t(draft.kind)}
          prefix={draft.kind === 'amount' ? symbol : undefined}
          suffix={draft.kind === 'percent' ? '%' : undefined}
          error={reasons.amount_off ?? reasons.percent_off}
          {...number('worth')}
        />
        <NumberInput
          label={t('minSpend')}
          prefix={symbol}
          error={reasons.min_spend}
          {...number('min_spend')}
        />
        <TextInput
          type="date"
          label={t('starts')}
          value={draft.starts_on}
          error={reasons.starts_on}
          disabled={disabled}
          onChange={(event) => set({ starts_on: event.currentTarget.value })}
        />
        <TextInput
          type="date"
          label={t('ends')}
          value={draft.ends_on}
          error={reasons.ends_on}
          disabled={disabled}
          onChange={(event) => set({ ends_on: event.currentTarget.value })}
        />
        <NumberInput
          label={t('cooldown')}
          error={reasons.cooldown_hours}
          {...number('cooldown_hours')}
        />
        {stores.data && (
          <MultiSelect
            label={t('stores')}
            description={t('storesHelp')}
            data={stores.data.items.map((store) => ({
              value: String(store.id),
              label: store.name,
            }))}
            value={draft.stores}
            error={reasons.stores}
            disabled={disabled}
            searchable
            onChange={(chosen) => set({ stores: chosen })}
          />
        )}
      </SimpleGrid>
      <Checkbox
        label={t('reusable')}
        checked={draft.reusable}
        disabled={disabled}
        onChange={(event) => set({ reusable: event.currentTarget.checked })}
      />
      <Checkbox
        label={t('active')}
        checked={draft.active}
        disabled={disabled}
        onChange={(event) => set({ active: event.currentTarget.checked })}
      />
    </Stack>
  );
}
