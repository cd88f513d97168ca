import { Container } from '@mantine/core';
import { NotYet } from '../../components/Notice';

export function GridPage() {
  return (
    <Container component="main" py="xl">
      <NotYet thing="Integration Grid" />
    </Container>
  );
}
