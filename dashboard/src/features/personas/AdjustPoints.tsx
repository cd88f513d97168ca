import { Text, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../../api/client';
import { useAccount, useFormat } from '../../app/account';
import { Confirm } from '../../components/Confirm';
import { t } from './words';

/** A number of points other than 0 with at most two decimals, as one types it; else undefined. */
export function pointsOf(typed: string): number | undefined {
  const text = typed.trim().replace('−', '-').replaceAll(',', '');
  if (!/^[+-]?\d{1,9}(\.\d{1,2})?$/.test(text)) return undefined;
  const value = Number(text);
  return value === 0 ? undefined : value;
}

export function AdjustPoints({ contactId, onClose }: { contactId: string; onClose: () => void }) {
  const account = useAccount();
  const format = useFormat();
  const cache = useQueryClient();
  const [typed, setTyped] = useState('');
  const [reason, setReason] = useState('');
  // One key for the open dialog: a second press after a lost answer adjusts nothing twice.
  const [once] = useState(() => crypto.randomUUID());
  const amount = pointsOf(typed);
  return (
    <Confirm
      title={t('adjust')}
      button={t('adjustButton', { n: amount === undefined ? '…' : format.points(amount) })}
      ready={amount !== undefined && reason.trim() !== ''}
      onClose={onClose}
      act={async () => {
        await call('post', '/api/accounts/{uid}/personas/{contact_id}/points', {
          path: { uid: account.uid, contact_id: contactId },
          body: { amount: amount ?? 0, reason: reason.trim() },
          once,
        });
        await cache.invalidateQueries({ queryKey: [account.uid, 'personas'] });
      }}
    >
      <Text>{t('adjustText')}</Text>
      <TextInput
        label={t('amount')}
        inputMode="decimal"
        value={typed}
        error={typed && amount === undefined ? t('numberNeeded') : undefined}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      <TextInput
        label={t('reason')}
        value={reason}
        maxLength={200}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
    </Confirm>
  );
}
