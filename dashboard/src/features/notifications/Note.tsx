import { Button, Group, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useUid } from '../../app/account';
import { Go } from '../../components/Go';
import { MeaningIcon } from '../../components/Meaning';
import { LocalTime, Said } from '../../components/Text';
import { actOf, MEANING_OF, type Notification, placeOf } from './queries';
import { t } from './words';

/** One notification in a list: what happened, what to do, since when, and the way there. */
export function Note({ note, decision }: { note: Notification; decision?: ReactNode }) {
  const uid = useUid();
  return (
    <Group component="li" justify="space-between" align="flex-start" gap="xs">
      <div style={{ display: 'flex', gap: 8, flex: '1 1 260px' }}>
        <span style={{ color: `var(--${MEANING_OF[note.severity]}-text)` }}>
          <MeaningIcon of={MEANING_OF[note.severity]} size={20} />
        </span>
        <div>
          <Text fw={600}>
            <Said>{note.title}</Said>
          </Text>
          <Text c="dimmed">
            <Said>{note.what_to_do}</Said>
          </Text>
          <Text fz={12} c="dimmed">
            {t('since')} <LocalTime at={note.raised_at} both />
          </Text>
        </div>
      </div>
      <Group gap="xs">
        {decision}
        <Button component={Go} to={placeOf(uid, note.link)} variant="default">
          {actOf(note)}
        </Button>
      </Group>
    </Group>
  );
}
