/** Discounts: made here, mirrored in the POS by the same name. */

import { Anchor, Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useAccount, useFormat } from '../../app/account';
import { Table } from '../../components/DataList';
import { Go } from '../../components/Go';
import { StatusPill } from '../../components/Meaning';
import { Empty } from '../../components/Notice';
import { Page, Panel } from '../../components/Page';
import { Part } from '../../components/Part';
import { Foreign } from '../../components/Text';
import { storesQuery } from '../stores/queries';
import { Mirrors } from './Mirrors';
import { discountsQuery } from './queries';
import { useWorth } from './useWorth';
import { t } from './words';

export function DiscountsPage() {
  const account = useAccount();
  const format = useFormat();
  const worth = useWorth();
  const base = `/a/${account.uid}/discounts`;
  const discounts = useQuery({
    ...discountsQuery(account.uid),
    enabled: account.may('discounts:read'),
  });
  const stores = useQuery({ ...storesQuery(account.uid), enabled: account.may('stores:read') });
  const named = new Map(stores.data?.items.map((store) => [store.id, store.name]));
  return (
    <Page
      title={t('title')}
      intro={t('intro')}
      right="discounts:read"
      actions={
        account.may('discounts:write') && (
          <Button component={Go} to={`${base}/new`} className="primary-act">
            {t('create')}
          </Button>
        )
      }
    >
      <Panel padded={false}>
        <Part query={discounts}>
          {(said) =>
            said.items.length === 0 ? (
              <Empty>{t('empty')}</Empty>
            ) : (
              <Table
                caption={t('title')}
                rows={said.items}
                rowKey={(discount) => discount.id}
                columns={[
                  {
                    key: 'name',
                    title: t('name'),
                    cell: (discount) => (
                      <>
                        <Anchor component={Go} to={`${base}/${discount.id}`}>
                          <Foreign>{discount.name}</Foreign>
                        </Anchor>{' '}
                        {!discount.active && <StatusPill meaning="idle" word={t('inactive')} />}
                      </>
                    ),
                  },
                  {
                    key: 'points',
                    title: t('points'),
                    number: true,
                    label: true,
                    cell: (discount) => format.points(discount.points),
                  },
                  { key: 'worth', title: t('worth'), label: true, cell: worth },
                  {
                    key: 'stores',
                    title: t('stores'),
                    label: true,
                    cell: (discount) =>
                      discount.stores.length === 0
                        ? t('every')
                        : discount.stores.map((id) => named.get(id) ?? String(id)).join(', '),
                  },
                  {
                    key: 'starts',
                    title: t('starts'),
                    label: true,
                    cell: (discount) => format.day(discount.starts_on),
                  },
                  {
                    key: 'ends',
                    title: t('ends'),
                    label: true,
                    cell: (discount) =>
                      discount.ends_on ? format.day(discount.ends_on) : t('always'),
                  },
                  {
                    key: 'redeemed',
                    title: t('redeemed'),
                    number: true,
                    label: true,
                    cell: (discount) => format.number(discount.redemptions),
                  },
                  {
                    key: 'mirrors',
                    title: t('mirrors'),
                    cell: (discount) => <Mirrors discount={discount} />,
                  },
                ]}
              />
            )
          }
        </Part>
      </Panel>
    </Page>
  );
}
