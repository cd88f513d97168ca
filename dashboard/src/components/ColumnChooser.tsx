import { Button, Checkbox, Popover, Stack } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { hiddenFrom, shownColumns } from './columns';
import type { Column } from './DataList';
import { t } from './words';

/**
 * The columns of a list that this browser shows, and the button that chooses them. `name`: under
 * which the choice is kept.
 */
export function useColumns<Row>(
  name: string,
  columns: Column<Row>[],
): { columns: Column<Row>[]; chooser: ReactNode } {
  const place = `columns-${name}`;
  const [hidden, setHidden] = useState(() => hiddenFrom(localStorage.getItem(place)));
  const choices = columns.slice(1);
  const shown = choices.map(({ key }) => key).filter((key) => !hidden.includes(key));
  function choose(wanted: string[]) {
    const away = choices.map(({ key }) => key).filter((key) => !wanted.includes(key));
    setHidden(away);
    localStorage.setItem(place, away.join(','));
  }
  const chooser = (
    <Popover position="bottom-end" trapFocus>
      <Popover.Target>
        <Button variant="default" rightSection={<IconChevronDown size={16} aria-hidden />}>
          {t('columns')}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Checkbox.Group label={t('columnsShown')} value={shown} onChange={choose}>
          <Stack gap="xs" mt="xs">
            {choices.map(({ key, title }) => (
              <Checkbox key={key} value={key} label={title} />
            ))}
          </Stack>
        </Checkbox.Group>
      </Popover.Dropdown>
    </Popover>
  );
  return { columns: shownColumns(columns, hidden), chooser };
}
