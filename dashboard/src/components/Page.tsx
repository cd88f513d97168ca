/** The frame of a page: its title, where it stands, its one primary act. */

import { Anchor, Breadcrumbs, Group, Stack, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef } from 'react';
import { type Right, useAccount, useMe } from '../app/account';
import { Forbidden } from './Notice';
import { Skeletons } from './Part';

export interface Crumb {
  label: string;
  to?: string;
}

interface Props {
  title: string;
  /** What is shown as the title, where it is more than its words. */
  heading?: ReactNode;
  crumbs?: Crumb[];
  intro?: ReactNode;
  /** The page's acts, the primary last. */
  actions?: ReactNode;
  right?: Right;
  children: ReactNode;
}

export function Page({ title, heading, crumbs, intro, actions, right, children }: Props) {
  const account = useAccount();
  const me = useMe();
  const top = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = [title, account.name, 'AIQ'].filter(Boolean).join(' · ');
  }, [title, account.name]);
  // Times and money are drawn once it is known in which zone and currency.
  const known =
    me.data !== undefined && (account.zone !== undefined || !account.may('account:read'));
  const allowed = !right || account.may(right);
  return (
    <Stack gap="lg">
      <Stack gap={4}>
        {crumbs && (
          <Breadcrumbs separator="/" separatorMargin={6} fz={12}>
            {crumbs.map((crumb) =>
              crumb.to ? (
                <Anchor component={Link} to={crumb.to} key={crumb.label} fz={12}>
                  {crumb.label}
                </Anchor>
              ) : (
                <Text key={crumb.label} fz={12} c="dimmed">
                  {crumb.label}
                </Text>
              ),
            )}
          </Breadcrumbs>
        )}
        <Group justify="space-between" align="flex-start" gap="sm">
          <Title order={1} ref={top} tabIndex={-1} style={{ flex: '1 1 auto' }}>
            {heading ?? title}
          </Title>
          {allowed && actions && (
            <Group gap="xs" className="page-acts">
              {actions}
            </Group>
          )}
        </Group>
        {intro && (
          <Text c="dimmed" maw={720} component="div">
            {intro}
          </Text>
        )}
      </Stack>
      {!known ? <Skeletons /> : allowed ? children : <Forbidden account={account} />}
    </Stack>
  );
}

/** A titled part of a page. */
export function Panel({
  title,
  id,
  action,
  children,
  padded = true,
}: {
  title?: string;
  id?: string;
  action?: ReactNode;
  children: ReactNode;
  padded?: boolean;
}) {
  return (
    <section className="panel" aria-labelledby={title && id ? `${id}-title` : undefined} id={id}>
      {title && (
        <Group
          justify="space-between"
          align="flex-start"
          wrap="nowrap"
          px="md"
          pt="md"
          pb={padded ? 0 : 'xs'}
          gap="xs"
        >
          <Title order={2} fz={16} id={id ? `${id}-title` : undefined} tabIndex={-1}>
            {title}
          </Title>
          {action}
        </Group>
      )}
      <div style={{ padding: padded ? 16 : 0 }}>{children}</div>
    </section>
  );
}

/** Shows its children to whoever has the right. */
export function RoleGate({
  right,
  children,
  otherwise = null,
}: {
  right: Right;
  children: ReactNode;
  otherwise?: ReactNode;
}) {
  return <>{useAccount().may(right) ? children : otherwise}</>;
}
