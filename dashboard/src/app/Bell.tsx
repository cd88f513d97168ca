/** How many things need somebody, and the worst of them. There is no "mark as read". */

import { ActionIcon, Anchor, Indicator, Popover, Stack, Text } from '@mantine/core';
import { IconBell } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { MeaningIcon } from '../components/Meaning';
import { Said } from '../components/Text';
import { MEANING_OF, placeOf, useNotifications } from '../features/notifications/queries';
import { useUid } from './account';
import { t } from './words';

const SHOWN = 5;

export function Bell() {
  const uid = useUid();
  const [open, setOpen] = useState(false);
  const notes = useNotifications(uid).data?.items ?? [];
  return (
    <Popover
      width={340}
      position="bottom-end"
      opened={open}
      onChange={setOpen}
      trapFocus
      returnFocus
    >
      <Indicator
        label={notes.length}
        size={16}
        offset={6}
        disabled={notes.length === 0}
        color="var(--bad-text)"
        styles={{ indicator: { color: 'var(--panel)', fontWeight: 700 } }}
      >
        <Popover.Target>
          <ActionIcon aria-label={t('bell', { n: notes.length })} onClick={() => setOpen(!open)}>
            <IconBell size={20} aria-hidden />
          </ActionIcon>
        </Popover.Target>
      </Indicator>
      <Popover.Dropdown>
        <Stack gap="sm">
          {notes.length === 0 && <Text>{t('nothing')}</Text>}
          {notes.slice(0, SHOWN).map((note) => (
            <div key={`${note.kind} ${note.subject}`} style={{ display: 'flex', gap: 8 }}>
              <span
                style={{ color: `var(--${MEANING_OF[note.severity]}-text)`, paddingBlockStart: 2 }}
              >
                <MeaningIcon of={MEANING_OF[note.severity]} />
              </span>
              <Anchor component={Link} to={placeOf(uid, note.link)} onClick={() => setOpen(false)}>
                <Said>{note.title}</Said>
              </Anchor>
            </div>
          ))}
          <Anchor
            component={Link}
            to={`/a/${uid}/notifications`}
            onClick={() => setOpen(false)}
            fw={600}
          >
            {t('seeAll')}
          </Anchor>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
