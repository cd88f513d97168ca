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
import { type Draft, offOf, storesOf } from './draft';
import { t } from './words';

interface Props {
  draft: Draft;
  put: (key: string, value: string) => void;
  reasons: Record<string, string>;
  disabled?: boolean;
}

export function DiscountFields({ draft, put, reasons, disabled = false }: Props) {
  const account = useAccount();
  const stores = useQuery({ ...storesQuery(account.uid), enabled: account.may('stores:read') });
  const number = (key: 'points' | 'cooldown_hours' | 'min_spend') => ({
    value: draft[key] ?? '',
    disabled,
    min: 0,
    decimalScale: 2,
    onChange: (value: string | number) => put(key, String(value)),
  });
  const { kind, worth } = offOf(draft);
  const symbol = account.currency === 'CAD' ? 'CA$' : '$';
  return (
    <Stack>
      <TextInput
        label={t('name')}
        description={t('nameHelp')}
        value={draft.name ?? ''}
        error={reasons.name}
        disabled={disabled}
        maxLength={100}
        onChange={(event) => put('name', event.currentTarget.value)}
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
            value={kind}
            disabled={disabled}
            onChange={(chosen) => put('off', `${chosen} ${worth}`)}
          />
        </div>
        <NumberInput
          label={t(kind)}
          prefix={kind === 'amount' ? symbol : undefined}
          suffix={kind === 'percent' ? '%' : undefined}
          error={reasons.amount_off ?? reasons.percent_off}
          value={worth}
          disabled={disabled}
          min={0}
          decimalScale={2}
          onChange={(value) => put('off', `${kind} ${value}`)}
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
          value={draft.starts_on ?? ''}
          error={reasons.starts_on}
          disabled={disabled}
          onChange={(event) => put('starts_on', event.currentTarget.value)}
        />
        <TextInput
          type="date"
          label={t('ends')}
          value={draft.ends_on ?? ''}
          error={reasons.ends_on}
          disabled={disabled}
          onChange={(event) => put('ends_on', event.currentTarget.value)}
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
            value={storesOf(draft)}
            error={reasons.stores}
            disabled={disabled}
            searchable
            onChange={(chosen) => put('stores', chosen.join(','))}
          />
        )}
      </SimpleGrid>
      <Checkbox
        label={t('reusable')}
        checked={draft.reusable === 'true'}
        disabled={disabled}
        onChange={(event) => put('reusable', String(event.currentTarget.checked))}
      />
      <Checkbox
        label={t('active')}
        checked={draft.active === 'true'}
        disabled={disabled}
        onChange={(event) => put('active', String(event.currentTarget.checked))}
      />
    </Stack>
  );
}
