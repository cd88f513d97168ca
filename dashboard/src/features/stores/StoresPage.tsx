import { Anchor, Button, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useAccount } from '../../app/account';
import { Table } from '../../components/DataList';
import { Go } from '../../components/Go';
import { Strip } from '../../components/Meaning';
import { Empty } from '../../components/Notice';
import { Page, RoleGate } from '../../components/Page';
import { Part, Skeletons } from '../../components/Part';
import { PlatformSymbol } from '../../components/Platform';
import { OneLine } from '../../components/Text';
import { AddStore } from './AddStore';
import { storeKeysQuery, storesQuery, unmapped } from './queries';
import { t } from './words';

export function StoresPage() {
  const account = useAccount();
  const enabled = account.may('stores:read');
  const stores = useQuery({ ...storesQuery(account.uid), enabled });
  const keys = useQuery({ ...storeKeysQuery(account.uid), enabled });
  const [adding, setAdding] = useState(false);
  const all = keys.data?.items ?? [];
  const waiting = unmapped(all);
  const base = `/a/${account.uid}/settings/stores`;
  const write = account.may('stores:write');
  return (
    <Page
      title={t('title')}
      crumbs={[{ label: t('settings') }, { label: t('company') }, { label: t('title') }]}
      intro={t('intro')}
      right="stores:read"
      actions={
        write && (
          <Button
            variant={waiting.length > 0 ? 'default' : 'filled'}
            className="primary-act"
            onClick={() => setAdding(true)}
          >
            {t('addStore')}
          </Button>
        )
      }
    >
      {keys.isPending && enabled ? (
        <Skeletons />
      ) : (
        <>
          {waiting.length > 0 && (
            <Strip
              meaning="warn"
              action={
                write && (
                  <Button component={Go} to={`${base}/match`}>
                    {t('matchKeys', { n: waiting.length })}
                  </Button>
                )
              }
            >
              {t('wait', {
                n: waiting.length,
                sales: waiting.reduce((sum, key) => sum + key.sales, 0),
              })}
            </Strip>
          )}
          <div className="panel">
            <Part query={stores}>
              {(said) =>
                said.items.length === 0 ? (
                  <Empty
                    action={
                      write ? (
                        <Button variant="default" onClick={() => setAdding(true)}>
                          {t('addStore')}
                        </Button>
                      ) : undefined
                    }
                  >
                    {t('empty')}
                  </Empty>
                ) : (
                  <Table
                    caption={t('title')}
                    rows={said.items}
                    rowKey={(store) => String(store.id)}
                    columns={[
                      { key: 'no', title: t('number'), label: true, cell: (store) => store.id },
                      {
                        key: 'name',
                        title: t('name'),
                        cell: (store) => (
                          <Anchor component={Go} to={`${base}/${store.id}`} fw={600}>
                            <OneLine long>{store.name}</OneLine>
                          </Anchor>
                        ),
                      },
                      { key: 'state', title: t('state'), cell: (store) => store.state || '—' },
                      {
                        key: 'zone',
                        title: t('zone'),
                        cell: (store) => store.time_zone ?? account.zone,
                      },
                      {
                        key: 'mapped',
                        title: t('mapped'),
                        cell: (store) => (
                          <Mapped
                            platforms={all
                              .filter((k) => k.store === store.id)
                              .map((k) => k.platform)}
                          />
                        ),
                      },
                      ...(write
                        ? [
                            {
                              key: 'edit',
                              title: t('edit'),
                              cell: (store: { id: number; name: string }) => (
                                <Button
                                  component={Go}
                                  to={`${base}/${store.id}`}
                                  variant="default"
                                  size="xs"
                                  aria-label={t('editOf', { name: store.name })}
                                >
                                  {t('edit')}
                                </Button>
                              ),
                            },
                          ]
                        : []),
                    ]}
                  />
                )
              }
            </Part>
          </div>
        </>
      )}
      <RoleGate right="stores:write">
        {adding && <AddStore onClose={() => setAdding(false)} />}
      </RoleGate>
    </Page>
  );
}

function Mapped({ platforms }: { platforms: string[] }) {
  const each = [...new Set(platforms)].sort();
  if (each.length === 0) return <>{t('none')}</>;
  return (
    <Group gap={4}>
      {each.map((platform) => (
        <span key={platform} title={platform}>
          <PlatformSymbol platform={platform} size={24} />
          <span className="unseen">{platform}</span>
        </span>
      ))}
    </Group>
  );
}
