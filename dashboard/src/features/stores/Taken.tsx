import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useAccount } from '../../app/account';
import { cut } from '../../components/format';
import { Go } from '../../components/Go';
import { Strip } from '../../components/Meaning';
import type { Holder } from './mappings';
import { storeKeysQuery, storesQuery, titleOfKey } from './queries';
import { t } from './words';

/** Says that another store has a key, and leads there. */
export function Taken({ holder, kept }: { holder: Holder; kept?: string }) {
  const { uid } = useAccount();
  const stores = useQuery(storesQuery(uid));
  const keys = useQuery(storeKeysQuery(uid));
  const store = stores.data?.items.find((each) => each.id === holder.store);
  const key = keys.data?.items.find((each) => each.id === holder.key);
  return (
    <Strip
      meaning="bad"
      live
      action={
        <Button
          component={Go}
          to={`/a/${uid}/settings/stores/${holder.store}`}
          target="_blank"
          variant="default"
        >
          {t('openStore')}
        </Button>
      }
    >
      {t('taken', {
        key: cut(key ? titleOfKey(key) : holder.key, 60),
        store: cut(store?.name ?? t('numbered', { n: holder.store }), 60),
      })}{' '}
      {t('takeAway')} {kept}
    </Strip>
  );
}
