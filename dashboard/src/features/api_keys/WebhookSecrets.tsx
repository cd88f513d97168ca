/** Secrets by which a POS signs what it pushes: shown once, revoked at once. */

import { Button, Group, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAccount, useFormat } from '../../app/account';
import { Confirm } from '../../components/Confirm';
import { ProblemNotice } from '../../components/Notice';
import { Part } from '../../components/Part';
import { LocalTime } from '../../components/Text';
import { cardsQuery } from '../integrations/queries';
import { t } from './words';

type Secret = Schemas['WebhookSecretAnswer'];

export function WebhookSecrets({ onMade }: { onMade: (made: { secret: string }) => void }) {
  const account = useAccount();
  const { uid } = account;
  const format = useFormat();
  const cache = useQueryClient();
  const [error, setError] = useState<unknown>();
  const [revoking, setRevoking] = useState<Secret>();
  const key = [uid, 'webhook-secrets'];
  const secrets = useQuery({
    queryKey: key,
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/webhook-secrets', { path: { uid }, signal }),
    enabled: account.may('keys:read'),
  });
  const cards = useQuery({ ...cardsQuery(uid), enabled: account.may('integrations:read') });
  const pushing = cards.data?.items.filter((card) => card.capabilities.pushes_signups) ?? [];
  const titleOf = (platform: string) =>
    cards.data?.items.find((card) => card.platform === platform)?.title ?? platform;
  async function create(platform: string) {
    setError(undefined);
    try {
      const made = await call('post', '/api/accounts/{uid}/webhook-secrets', {
        path: { uid },
        body: { platform },
      });
      await cache.invalidateQueries({ queryKey: key });
      onMade(made);
    } catch (failure) {
      setError(failure);
    }
  }
  return (
    <Stack>
      <Text c="dimmed">{t('webhookHelp')}</Text>
      {error !== undefined && <ProblemNotice error={error} />}
      <Part query={secrets} lacks={t('webhooks').toLowerCase()}>
        {(said) =>
          said.items.length === 0 ? (
            <Text>{t('noSecrets')}</Text>
          ) : (
            <Stack gap="xs">
              {said.items.map((secret) => (
                <Group key={secret.id} justify="space-between">
                  <Text>
                    {t('secretOf', { pos: titleOf(secret.platform), four: secret.last_four })} ·{' '}
                    <LocalTime at={secret.created_at} />
                    {secret.ends_at && ` · ${t('ends', { at: format.instant(secret.ends_at) })}`}
                  </Text>
                  {account.may('keys:write') && (
                    <Button
                      size="xs"
                      variant="outline"
                      className="destructive"
                      aria-label={t('revokeSecret', {
                        pos: titleOf(secret.platform),
                        four: secret.last_four,
                      })}
                      onClick={() => setRevoking(secret)}
                    >
                      {t('revoke')}
                    </Button>
                  )}
                </Group>
              ))}
            </Stack>
          )
        }
      </Part>
      {account.may('keys:write') && (
        <Group>
          {pushing.map((card) => (
            <Button
              key={card.platform}
              variant="default"
              onClick={() => void create(card.platform)}
            >
              {t('createSecret', { pos: card.title })}
            </Button>
          ))}
        </Group>
      )}
      {revoking && (
        <Confirm
          title={t('revokeTitle', {
            name: t('secretOf', { pos: titleOf(revoking.platform), four: revoking.last_four }),
          })}
          button={t('revoke')}
          destructive
          onClose={() => setRevoking(undefined)}
          act={async () => {
            await call('delete', '/api/accounts/{uid}/webhook-secrets/{secret}', {
              path: { uid, secret: revoking.id },
            });
            await cache.invalidateQueries({ queryKey: key });
          }}
        >
          {t('revokeText')}
        </Confirm>
      )}
    </Stack>
  );
}
