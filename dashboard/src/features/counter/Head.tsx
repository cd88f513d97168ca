import { Button, Group, Text, Title } from '@mantine/core';
import type { Schemas } from '../../api/client';
import { Foreign } from '../../components/Text';
import { t } from './words';

type Shopper = Schemas['ShopperAnswer'];

/** Who stands at the till, large. */
export function Head({ shopper, onDone }: { shopper: Shopper; onDone: () => void }) {
  return (
    <Group justify="space-between" align="flex-start" wrap="nowrap">
      <div>
        <Title order={2} fz={28}>
          <Foreign>{shopper.name || t('someone')}</Foreign>
        </Title>
        <Text c="dimmed">
          {t(shopper.member ? 'member' : 'notMember')}
          {shopper.last_four && ` · …${shopper.last_four}`}
        </Text>
      </div>
      <Button variant="default" size="md" onClick={onDone}>
        {t('done')}
      </Button>
    </Group>
  );
}
