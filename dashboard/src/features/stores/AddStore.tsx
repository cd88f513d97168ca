import { TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/client';
import { useAccount } from '../../app/account';
import { Confirm } from '../../components/Confirm';
import { t } from './words';

export function AddStore({ onClose }: { onClose: () => void }) {
  const account = useAccount();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  return (
    <Confirm
      title={t('addStore')}
      button={t('create')}
      ready={name.trim() !== ''}
      onClose={onClose}
      act={async () => {
        const added = await call('post', '/api/accounts/{uid}/stores', {
          path: { uid: account.uid },
          body: {
            name: name.trim(),
            nickname: '',
            address: '',
            state: '',
            country: '',
            phone: '',
            time_zone: null,
          },
        });
        await cache.invalidateQueries({ queryKey: [account.uid, 'stores'] });
        await navigate({ to: `/a/${account.uid}/settings/stores/${added.id}` as never });
      }}
    >
      <TextInput
        label={t('name')}
        value={name}
        maxLength={200}
        onChange={(event) => setName(event.currentTarget.value)}
      />
    </Confirm>
  );
}
