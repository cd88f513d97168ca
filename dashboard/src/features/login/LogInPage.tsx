import { Center, Stack, Text, Title } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactNode, useEffect } from 'react';
import { Strip } from '../../components/Meaning';
import { LogInForm } from './LogInForm';
import { safeBack } from './password';
import { t } from './words';

/** The quiet frame of the pages before a log-in. */
export function Gate({ title, children }: { title: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · AIQ`;
  }, [title]);
  return (
    <Center component="main" mih="100vh" p="md">
      <Stack w="100%" maw={400} gap="lg">
        <Stack gap={4} align="center">
          <img src="/favicon.svg" alt="" width={40} height={40} />
          <Title order={1} fz={20}>
            {title}
          </Title>
        </Stack>
        <div className="panel" style={{ padding: 24 }}>
          {children}
        </div>
        <Text c="dimmed" fz={12} ta="center">
          AIQ Marketing + Loyalty
        </Text>
      </Stack>
    </Center>
  );
}

export function LogInPage() {
  const navigate = useNavigate();
  const { back, changed } = useSearch({ strict: false }) as { back?: string; changed?: string };
  return (
    <Gate title={t('title')}>
      {changed && (
        <div style={{ marginBlockEnd: 16 }}>
          <Strip meaning="good" live>
            {t('changed')}
          </Strip>
        </div>
      )}
      <LogInForm onDone={() => void navigate({ href: safeBack(back) })} />
    </Gate>
  );
}
