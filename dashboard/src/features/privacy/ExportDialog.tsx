/** A file that is made in the background, then downloaded by a link that works for minutes. */

import { Button, Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useFormat, useUid } from '../../app/account';
import { every } from '../../app/queries';
import { Dialog } from '../../components/Confirm';
import { Strip } from '../../components/Meaning';
import { ProblemNotice } from '../../components/Notice';
import { t as common } from '../../components/words';
import { t } from './words';

type Export = Schemas['ExportAnswer'];

interface Props {
  title: string;
  text: string;
  /** Asks for the file. */
  begin: () => Promise<Export>;
  onClose: () => void;
}

export function ExportDialog({ title, text, begin, onClose }: Props) {
  const uid = useUid();
  const format = useFormat();
  const [asked, setAsked] = useState<Export>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const file = useQuery({
    queryKey: [uid, 'exports', asked?.id],
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/exports/{export}', {
        path: { uid, export: asked?.id ?? '' },
        signal,
      }),
    enabled: asked !== undefined,
    refetchInterval: every<Export>(
      1500,
      (said) => said === undefined || said.state === 'queued' || said.state === 'running',
    ),
    gcTime: 0,
  });
  async function make() {
    setBusy(true);
    setError(undefined);
    try {
      setAsked(await begin());
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }
  const said = file.data ?? asked;
  const failure = error ?? file.error;
  return (
    <Dialog title={title} onClose={onClose}>
      <Text>{text}</Text>
      {failure != null && <ProblemNotice error={failure} />}
      {said && (said.state === 'queued' || said.state === 'running') && (
        <Strip meaning="busy" live>
          {t('making')}
        </Strip>
      )}
      {said?.state === 'failed' && (
        <Strip meaning="bad" live>
          {t('failed')}
        </Strip>
      )}
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {common('close')}
        </Button>
        {said?.url ? (
          <Button component="a" href={said.url} download>
            {t('download')}
          </Button>
        ) : (
          <Button
            loading={busy || (said !== undefined && said.state !== 'failed')}
            onClick={() => void make()}
          >
            {t('exportGo')}
          </Button>
        )}
      </Group>
      {said?.url && said.expires_at && (
        <Text c="dimmed" fz={12}>
          {t('until', { at: format.instant(said.expires_at) })}
        </Text>
      )}
    </Dialog>
  );
}
