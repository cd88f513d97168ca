/** Export and erase of one shopper, for whoever may. */

import { Button, Code, Group, List, Stack, Text, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { reasonsByField } from '../../api/problem';
import { useAccount, useFormat } from '../../app/account';
import { every } from '../../app/queries';
import { Dialog } from '../../components/Confirm';
import { Go } from '../../components/Go';
import { Strip } from '../../components/Meaning';
import { ProblemNotice } from '../../components/Notice';
import { t as common } from '../../components/words';
import { ExportDialog } from './ExportDialog';
import { t } from './words';

type Erasure = Schemas['ErasureAnswer'];

interface Props {
  contactId: string;
  name: string;
}

/** The two acts, as buttons; nothing for who may do neither. */
export function PersonaPrivacy(props: Props) {
  const account = useAccount();
  const [open, setOpen] = useState<'export' | 'erase'>();
  const close = () => setOpen(undefined);
  return (
    <>
      {account.may('personas:export') && (
        <Button variant="default" onClick={() => setOpen('export')}>
          {t('exportOne')}
        </Button>
      )}
      {account.may('personas:erase') && (
        <Button variant="outline" className="destructive" onClick={() => setOpen('erase')}>
          {t('erase')}
        </Button>
      )}
      {open === 'export' && (
        <ExportDialog
          title={t('exportTitle', { name: props.name })}
          text={t('exportText')}
          onClose={close}
          begin={() =>
            call('post', '/api/accounts/{uid}/personas/{contact_id}/export', {
              path: { uid: account.uid, contact_id: props.contactId },
            })
          }
        />
      )}
      {open === 'erase' && (
        <EraseDialog {...props} onClose={close} onExport={() => setOpen('export')} />
      )}
    </>
  );
}

function EraseDialog({
  contactId,
  name,
  onClose,
  onExport,
}: Props & { onClose: () => void; onExport: () => void }) {
  const account = useAccount();
  const { uid } = account;
  const cache = useQueryClient();
  const [typed, setTyped] = useState('');
  const [begun, setBegun] = useState<Erasure>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const preview = useQuery({
    queryKey: [uid, 'erase-preview', contactId],
    queryFn: () =>
      call('post', '/api/accounts/{uid}/personas/{contact_id}/erase/preview', {
        path: { uid, contact_id: contactId },
      }),
    staleTime: 0,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
  });
  const erasure = useQuery({
    queryKey: [uid, 'erasures', begun?.id],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/erasures/{erasure}', {
        path: { uid, erasure: begun?.id ?? '' },
        signal,
      }),
    enabled: begun !== undefined,
    refetchInterval: every<Erasure>(1500, (said) => said === undefined || said.state !== 'done'),
  });
  async function submit(event: FormEvent) {
    event.preventDefault();
    if (busy || !preview.data) return;
    setBusy(true);
    setError(undefined);
    try {
      setBegun(
        await call('post', '/api/accounts/{uid}/personas/{contact_id}/erase', {
          path: { uid, contact_id: contactId },
          body: { token: preview.data.token, typed: typed.trim() },
        }),
      );
      void cache.invalidateQueries({ queryKey: [uid, 'personas'] });
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }
  const now = erasure.data ?? begun;
  if (now) {
    return (
      <Dialog title={t('eraseTitle')} onClose={onClose} size="lg">
        <Strip meaning={now.state === 'done' ? 'good' : 'busy'} live>
          {t(now.state === 'done' ? 'erased' : 'erasing')}
        </Strip>
        {now.certificate && (
          <div>
            <Text fw={600}>{t('certificate')}</Text>
            <Code block>{JSON.stringify(now.certificate, null, 2)}</Code>
          </div>
        )}
        <Group justify="flex-end">
          <Button component={Go} to={`/a/${uid}/personas`}>
            {t('toPersonas')}
          </Button>
        </Group>
      </Dialog>
    );
  }
  return (
    <Dialog title={t('eraseTitle')} onClose={onClose}>
      <form onSubmit={submit} noValidate>
        <Stack>
          <Text>{t('eraseText', { name })}</Text>
          {preview.data ? (
            <Counts of={preview.data} />
          ) : (
            preview.error === null && <Text role="status">{t('counting')}</Text>
          )}
          {(error ?? preview.error) != null && <ProblemNotice error={error ?? preview.error} />}
          {preview.data && (
            <TextInput
              label={t('typeFour', { of: preview.data.confirm })}
              value={typed}
              error={reasonsByField(error).typed}
              autoComplete="off"
              onChange={(event) => setTyped(event.currentTarget.value)}
            />
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {common('cancel')}
            </Button>
            {account.may('personas:export') && (
              <Button variant="default" onClick={onExport}>
                {t('exportFirst')}
              </Button>
            )}
            <Button
              type="submit"
              variant="outline"
              className="destructive"
              loading={busy}
              disabled={!preview.data || typed.trim() === ''}
            >
              {t('erase')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}

function Counts({ of }: { of: Schemas['ErasePreviewAnswer'] }) {
  const format = useFormat();
  const lines = [
    of.records > 0 && t('records', { n: of.records }),
    of.sales > 0 && t('sales', { n: of.sales }),
    of.points !== 0 && t('points', { points: format.points(of.points) }),
    of.consents > 0 && t('consents', { n: of.consents }),
    of.contacts > 0 && t('contacts', { n: of.contacts }),
  ].filter((line): line is string => Boolean(line));
  return (
    <List role="status">
      {lines.map((line) => (
        <List.Item key={line}>{line}</List.Item>
      ))}
    </List>
  );
}
