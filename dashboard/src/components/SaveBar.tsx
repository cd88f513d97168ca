/** Save and discard of a page's form; leaving with changes is asked about. */

import { Button, Group, Text } from '@mantine/core';
import { useBlocker } from '@tanstack/react-router';
import { t } from './words';

interface Props {
  dirty: boolean;
  busy: boolean;
  onDiscard: () => void;
  label?: string;
}

/** Stands at the end of a form; its button submits it. */
export function SaveBar({ dirty, busy, onDiscard, label }: Props) {
  useBlocker({
    shouldBlockFn: () => dirty && !busy && !window.confirm(t('leave')),
    enableBeforeUnload: () => dirty,
  });
  return (
    <Group justify="flex-end" className="save-bar">
      {dirty && (
        <Text c="dimmed" fz={12}>
          {t('unsaved')}
        </Text>
      )}
      {dirty && (
        <Button variant="default" onClick={onDiscard} disabled={busy}>
          {t('discard')}
        </Button>
      )}
      <Button type="submit" loading={busy} disabled={!dirty}>
        {label ?? t('save')}
      </Button>
    </Group>
  );
}
