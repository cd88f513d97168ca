import { Modal, Stack, Text } from '@mantine/core';
import { t as shell } from '../../app/words';
import { LogInForm } from './LogInForm';

/** Over the page, which stays as it is: logs the same person in again. */
export default function LogInAgain({ email }: { email: string }) {
  return (
    <Modal
      opened
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      title={shell('sessionTitle')}
      zIndex={1000}
    >
      <Stack>
        <Text>{shell('session')}</Text>
        <LogInForm email={email} onDone={() => undefined} />
      </Stack>
    </Modal>
  );
}
