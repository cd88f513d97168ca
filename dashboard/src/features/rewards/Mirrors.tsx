/** Whether each POS has a discount of the same name. */

import { Stack } from '@mantine/core';
import { type Meaning, StatusPill } from '../../components/Meaning';
import { PlatformSymbol } from '../../components/Platform';
import { Foreign } from '../../components/Text';
import type { Discount } from './draft';
import { t } from './words';

const MEANING: Record<Discount['mirrors'][number]['state'], Meaning> = {
  mirrored: 'good',
  missing: 'warn',
  name_differs: 'warn',
  ambiguous: 'warn',
};

export function Mirrors({ discount }: { discount: Discount }) {
  return (
    <Stack gap={4}>
      {discount.mirrors.map((mirror) => (
        <span key={mirror.platform} style={{ display: 'inline-flex', gap: 6, flexWrap: 'wrap' }}>
          <PlatformSymbol platform={mirror.platform} size={20} />
          <StatusPill meaning={MEANING[mirror.state]} word={t(mirror.state)} />
          {mirror.name_there && mirror.name_there !== discount.name && (
            <Foreign>{mirror.name_there}</Foreign>
          )}
        </span>
      ))}
    </Stack>
  );
}
