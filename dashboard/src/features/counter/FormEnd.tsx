/** The end of a form at the counter whose act happens once, however often it is sent. */

import { Button, Group } from '@mantine/core';
import { Offline } from '../../api/problem';
import { Strip } from '../../components/Meaning';
import { ProblemNotice } from '../../components/Notice';
import { t as common } from '../../components/words';
import { t } from './words';

interface Props {
  error: unknown;
  /** What to say while the device is offline. */
  offline: string;
  submit: string;
  busy: boolean;
  disabled?: boolean;
  onClose: () => void;
}

/** What went wrong, and the buttons. After a lost answer the same button asks what became of it. */
export function FormEnd({ error, offline, submit, busy, disabled, onClose }: Props) {
  const lost = error instanceof Offline;
  return (
    <>
      {lost && (
        <Strip meaning="warn" live>
          {navigator.onLine ? t('unknown') : offline}
        </Strip>
      )}
      {error !== undefined && !lost && <ProblemNotice error={error} />}
      <Group justify="flex-end">
        <Button variant="default" size="md" onClick={onClose}>
          {common('cancel')}
        </Button>
        <Button type="submit" size="md" loading={busy} disabled={disabled}>
          {lost ? t('check') : submit}
        </Button>
      </Group>
    </>
  );
}
