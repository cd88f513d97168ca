/** What stands around every page of an account: header, navigation, the bell, the session's end. */

import {
  ActionIcon,
  AppShell,
  Burger,
  Group,
  Menu,
  NavLink,
  Text,
  TextInput,
  UnstyledButton,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import {
  IconCheck,
  IconChevronDown,
  IconSearch,
  IconSettings,
  IconUser,
} from '@tabler/icons-react';
import { usePrefetchQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { gridQuery } from '../components/grid';
import { Strip } from '../components/Meaning';
import { Fence } from '../components/Part';
import { rememberAccount, useAccount, useMe, useUid } from './account';
import { Bell } from './Bell';
import { NeedHelp } from './Help';
import { home, PLACES, type Place, section } from './navigation';
import { logOut, useEndedSession, useSession } from './session';
import { t } from './words';

const LogInAgain = lazy(() => import('../features/login/LogInAgain'));
const Search = lazy(() => import('./Search'));

export function Shell() {
  const uid = useUid();
  const account = useAccount();
  const me = useMe();
  const session = useSession();
  const navigate = useNavigate();
  const cache = useQueryClient();
  usePrefetchQuery(gridQuery); // so that no symbol of a POS comes after its name
  const path = useRouterState({ select: (state) => state.location.pathname });
  const [open, { toggle, close }] = useDisclosure(false);
  const [searching, search] = useDisclosure(false);
  const main = useRef<HTMLElement>(null);

  useEffect(() => {
    if (me.data?.accounts.some((each) => each.uid === uid)) rememberAccount(uid);
  }, [me.data, uid]);

  useEffect(() => {
    if (!session)
      void navigate({
        to: '/login',
        search: { back: window.location.pathname + window.location.search },
      });
  }, [session, navigate]);

  const atRoot = path.replace(/\/$/, '') === `/a/${uid}`;
  const start = home(account.may);
  useEffect(() => {
    if (atRoot && account.role && start !== '')
      void navigate({ to: `/a/${uid}${start}`, replace: true });
  }, [atRoot, account.role, start, uid, navigate]);

  // Another page begins at its title, for eyes and for a screen reader.
  const before = useRef(path);
  useEffect(() => {
    close();
    if (before.current === path) return;
    before.current = path;
    main.current?.focus({ preventScroll: true });
    for (const queryKey of [['me'], [uid, 'account']]) {
      void cache.refetchQueries({ queryKey, stale: true });
    }
  }, [path, close, cache, uid]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const typing =
        event.target instanceof HTMLElement &&
        event.target.closest('input,textarea,select,[contenteditable]');
      const asked =
        (event.key === '/' && !typing) || (event.key === 'k' && (event.metaKey || event.ctrlKey));
      if (!asked) return;
      event.preventDefault();
      search.open();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [search]);

  const bare = account.role === 'Staff';
  const unknown = me.data !== undefined && !me.data.accounts.some((each) => each.uid === uid);
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{
        width: 240,
        breakpoint: 992,
        collapsed: { mobile: !open, desktop: bare || unknown },
      }}
      padding={{ base: 'md', sm: 'lg' }}
    >
      <a href="#main" className="skip">
        {t('skip')}
      </a>
      <AppShell.Header style={{ background: 'var(--panel)', borderColor: 'var(--line)' }}>
        <Group h="100%" px={{ base: 'xs', sm: 'md' }} gap="xs" wrap="nowrap">
          {!bare && !unknown && (
            <Burger
              hiddenFrom="md"
              opened={open}
              onClick={toggle}
              size="sm"
              aria-label={t(open ? 'closeNav' : 'openNav')}
              aria-expanded={open}
            />
          )}
          <AccountSwitcher />
          <div style={{ flex: 1 }} />
          {!bare && !unknown && (
            <>
              <ActionIcon
                aria-label={t('search')}
                onClick={search.open}
                title={`${t('searchHint')} (/)`}
              >
                <IconSearch size={20} aria-hidden />
              </ActionIcon>
              {account.may('notifications:read') && <Bell />}
            </>
          )}
          <PersonMenu email={session?.email ?? ''} />
        </Group>
      </AppShell.Header>
      {!bare && !unknown && (
        <AppShell.Navbar
          className={open ? undefined : 'closed'}
          style={{ background: 'var(--panel)', borderColor: 'var(--line)' }}
          aria-label={t('mainNav')}
        >
          <AppShell.Section grow p="xs" style={{ overflowY: 'auto' }}>
            <Navigation />
          </AppShell.Section>
        </AppShell.Navbar>
      )}
      <AppShell.Main ref={main} id="main" tabIndex={-1}>
        <div style={{ maxWidth: 1200, marginInline: 'auto', paddingBlockEnd: 64 }}>
          <OfflineStrip />
          <Fence key={path}>
            <Suspense fallback={null}>
              <Outlet />
            </Suspense>
          </Fence>
        </div>
        {!bare && <NeedHelp />}
      </AppShell.Main>
      <SessionEnd />
      {searching && (
        <Suspense fallback={null}>
          <Search onClose={search.close} />
        </Suspense>
      )}
    </AppShell>
  );
}

function Navigation() {
  const account = useAccount();
  const path = useRouterState({ select: (state) => state.location.pathname });
  // A person's own settings are no place of the navigation.
  const here = path.endsWith('/me') ? undefined : section(path);
  const places = PLACES.filter((place) => account.may(place.right));
  const link = (place: Place) => (
    <NavLink
      key={place.path}
      component={Link}
      to={`/a/${account.uid}${place.path}`}
      label={place.label}
      active={place.path === here}
      activeOptions={{ exact: true }}
      aria-current={place.path === here ? 'page' : undefined}
      style={{ borderRadius: 8, minHeight: 36 }}
      variant="light"
    />
  );
  const main = places.filter((place) => !place.group);
  const settings = places.filter((place) => place.group);
  const company = settings.filter((place) => place.group === 'company');
  const others = settings.filter((place) => place.group === 'settings');
  return (
    <>
      {main.map(link)}
      {settings.length > 0 && (
        <>
          <Group gap={6} px="sm" pt="md" pb={4} c="dimmed">
            <IconSettings size={14} aria-hidden />
            <Text fz={12} fw={650} component="span">
              {t('settings')}
            </Text>
          </Group>
          {others.slice(0, 1).map(link)}
          {company.length > 0 && (
            <Text fz={12} c="dimmed" px="sm" pt={8} pb={2}>
              {t('company')}
            </Text>
          )}
          {company.map(link)}
          {company.length > 0 && <div style={{ height: 8 }} />}
          {others.slice(1).map(link)}
        </>
      )}
    </>
  );
}

const MANY = 7;

function AccountSwitcher() {
  const account = useAccount();
  const accounts = useMe().data?.accounts ?? [];
  const [typed, setTyped] = useState('');
  const path = useRouterState({ select: (state) => state.location.pathname });
  const shown = accounts.filter((each) => each.name.toLowerCase().includes(typed.toLowerCase()));
  const name = (
    <span style={{ textAlign: 'start', minWidth: 0 }}>
      <Text fw={650} truncate component="span" display="block" maw={220} lh={1.2}>
        <bdi>{account.name || 'AIQ'}</bdi>
      </Text>
      {account.role && (
        <Text fz={12} c="dimmed" component="span" display="block" lh={1.2}>
          {account.role}
        </Text>
      )}
    </span>
  );
  if (accounts.length < 2) return <Group wrap="nowrap">{name}</Group>;
  return (
    <Menu position="bottom-start" width={280}>
      <Menu.Target>
        <UnstyledButton aria-label={t('switchAccount', { name: account.name })}>
          <Group gap={6} wrap="nowrap">
            {name}
            <IconChevronDown size={16} aria-hidden />
          </Group>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {accounts.length > MANY && (
          <TextInput
            aria-label={t('searchAccounts')}
            placeholder={t('searchAccounts')}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            m={4}
          />
        )}
        {shown.map((each) => (
          <Menu.Item
            key={each.uid}
            component={Link}
            to={`/a/${each.uid}${section(path)}`}
            aria-current={each.uid === account.uid ? 'true' : undefined}
          >
            <Text fw={each.uid === account.uid ? 650 : 400} component="span" display="block">
              <bdi>{each.name}</bdi>
            </Text>
            <Text fz={12} c="dimmed" component="span" display="block">
              {each.role}
            </Text>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function PersonMenu({ email }: { email: string }) {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const uid = useUid();
  return (
    <Menu position="bottom-end" width={260} closeOnItemClick>
      <Menu.Target>
        <ActionIcon aria-label={t('person', { email })}>
          <IconUser size={20} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{email}</Menu.Label>
        <Menu.Item component={Link} to={`/a/${uid}/me`}>
          {t('mySettings')}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>{t('theme')}</Menu.Label>
        {(['light', 'dark', 'auto'] as const).map((scheme) => (
          <Menu.Item
            key={scheme}
            role="menuitemradio"
            aria-checked={colorScheme === scheme}
            closeMenuOnClick={false}
            rightSection={colorScheme === scheme && <IconCheck size={16} aria-hidden />}
            onClick={() => setColorScheme(scheme)}
          >
            {t(scheme)}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={() => void logOut()}>{t('logOut')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function watchNetwork(listener: () => void): () => void {
  window.addEventListener('online', listener);
  window.addEventListener('offline', listener);
  return () => {
    window.removeEventListener('online', listener);
    window.removeEventListener('offline', listener);
  };
}

function OfflineStrip() {
  const online = useSyncExternalStore(watchNetwork, () => navigator.onLine);
  if (online) return null;
  return (
    <div style={{ marginBlockEnd: 16 }}>
      <Strip meaning="warn" live>
        {t('offline')}
      </Strip>
    </div>
  );
}

function SessionEnd() {
  const email = useEndedSession();
  if (!email) return null;
  return (
    <Suspense fallback={null}>
      <LogInAgain email={email} />
    </Suspense>
  );
}
