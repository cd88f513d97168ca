/** Two people edited one thing: both versions, field by field. */

import { Button, Group, Radio, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { Problem } from '../api/problem';
import { useFormat } from '../app/account';
import { Dialog } from './Confirm';
import { t } from './words';

export interface Field {
  key: string;
  label: string;
  /** The value in words, where it is not typed as such. */
  show?: (value: string) => string;
}
type Values = Record<string, string>;

const asTyped = (value: string) => value || '—';
/** A box in words. */
export const yesOrNo = (value: string) => t(value === 'true' ? 'yes' : 'no');

/** Whether an error is that the thing was changed meanwhile. */
export function isStale(error: unknown): error is Problem {
  return error instanceof Problem && error.status === 412;
}

/** The fields that both changed, and differently; what only one changed is merged. */
export function contested(fields: Field[], before: Values, theirs: Values, yours: Values): Field[] {
  return fields.filter(
    ({ key }) =>
      theirs[key] !== before[key] && yours[key] !== before[key] && theirs[key] !== yours[key],
  );
}

/** Both changes in one: a field that only one changed has that one's value. */
export function merged(before: Values, theirs: Values, yours: Values): Values {
  return Object.fromEntries(
    Object.keys(yours).map((key) => [
      key,
      yours[key] === before[key] ? (theirs[key] ?? '') : (yours[key] ?? ''),
    ]),
  );
}

interface Props {
  error: Problem;
  fields: Field[];
  before: Values;
  theirs: Values;
  yours: Values;
  /** Back to the form as it was typed: nothing is decided. */
  onClose: () => void;
  onDiscard: () => void;
  onSave: (values: Values) => void;
}

export function ConflictDialog({
  error,
  fields,
  before,
  theirs,
  yours,
  onClose,
  onDiscard,
  onSave,
}: Props) {
  const format = useFormat();
  const differing = contested(fields, before, theirs, yours);
  const [choice, setChoice] = useState<Record<string, 'theirs' | 'yours'>>({});
  const { changed_by: by, changed_at: at } = error.document as {
    changed_by?: { name?: string } | string;
    changed_at?: string;
  };
  const who = (typeof by === 'string' ? by : by?.name) ?? t('someone');
  function save() {
    const values = merged(before, theirs, yours);
    for (const { key } of differing) {
      if ((choice[key] ?? 'theirs') === 'theirs') values[key] = theirs[key] ?? '';
    }
    onSave(values);
  }
  return (
    <Dialog title={t('conflictTitle')} onClose={onClose} size="lg">
      <Text>
        {at ? t('conflict', { who, at: format.instant(at) }) : t('conflictUntimed', { who })}{' '}
        {differing.length > 0 && t('conflictFields')}
      </Text>
      <Stack>
        {differing.map(({ key, label, show = asTyped }) => (
          <Radio.Group
            key={key}
            label={label}
            description={`${t('before')}: ${show(before[key] ?? '')}`}
            value={choice[key] ?? 'theirs'}
            onChange={(value) => setChoice({ ...choice, [key]: value as 'theirs' | 'yours' })}
          >
            <Stack gap={4} mt={4}>
              <Radio value="theirs" label={`${t('theirs')}: ${show(theirs[key] ?? '')}`} />
              <Radio value="yours" label={`${t('yours')}: ${show(yours[key] ?? '')}`} />
            </Stack>
          </Radio.Group>
        ))}
      </Stack>
      <Group justify="flex-end">
        <Button variant="default" onClick={onDiscard}>
          {t('discardMine')}
        </Button>
        <Button onClick={save}>{t('saveChosen')}</Button>
      </Group>
    </Dialog>
  );
}
