import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { lastAccount } from './account';
import { RouteBroken, RouteMissing } from './errors';
import { Shell } from './Shell';
import { session } from './session';

const root = createRootRoute({ component: Outlet, notFoundComponent: RouteMissing });

/** Pages for whoever is logged in; others log in first, and come back. */
function guard({ location }: { location: { href: string } }) {
  if (!session()) throw redirect({ to: '/login', search: { back: location.href } });
}

type Search = Record<string, string | undefined>;
/** The address's filters, as texts. */
const texts = (search: Record<string, unknown>): Search =>
  Object.fromEntries(
    Object.entries(search).map(([name, value]) => [
      name,
      value == null ? undefined : String(value),
    ]),
  );

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: texts,
  component: lazyRouteComponent(() => import('../features/login/LogInPage'), 'LogInPage'),
});
const forgot = createRoute({
  getParentRoute: () => root,
  path: '/login/forgot',
  validateSearch: texts,
  component: lazyRouteComponent(() => import('../features/login/ForgotPage'), 'ForgotPage'),
});
const grid = createRoute({
  getParentRoute: () => root,
  path: '/grid',
  component: lazyRouteComponent(() => import('../features/grid/GridPage'), 'GridPage'),
});
const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: (at) => {
    guard(at);
    const uid = lastAccount();
    if (!uid) throw redirect({ to: '/a' });
    throw redirect({ href: `/a/${uid}` });
  },
});
const choose = createRoute({
  getParentRoute: () => root,
  path: '/a',
  beforeLoad: guard,
  validateSearch: texts,
  component: lazyRouteComponent(() => import('../features/accounts/ChoosePage'), 'ChoosePage'),
});
// Links of e-mails and notifications may name no account: the one used last, else a question.
const unnamed = createRoute({
  getParentRoute: () => root,
  path: '/settings/$',
  beforeLoad: ({ location }) => {
    guard({ location });
    const uid = lastAccount();
    if (!uid) throw redirect({ to: '/a', search: { link: location.href } });
    throw redirect({ href: `/a/${uid}${location.href}` });
  },
});
const account = createRoute({
  getParentRoute: () => root,
  path: '/a/$uid',
  beforeLoad: guard,
  component: Shell,
});

const page = (path: string, load: () => Promise<Record<string, unknown>>, name: string) =>
  createRoute({
    getParentRoute: () => account,
    path,
    validateSearch: texts,
    // biome-ignore lint/suspicious/noExplicitAny: a page takes no props
    component: lazyRouteComponent(load as () => Promise<any>, name),
  });

const pages = [
  page('/', () => import('../features/overview/OverviewPage'), 'OverviewPage'),
  page('/me', () => import('../features/accounts/MyPage'), 'MyPage'),
  page('/personas', () => import('../features/personas/PersonasPage'), 'PersonasPage'),
  page('/personas/$contactId', () => import('../features/personas/PersonaPage'), 'PersonaPage'),
  page('/discounts', () => import('../features/rewards/DiscountsPage'), 'DiscountsPage'),
  page('/discounts/$discount', () => import('../features/rewards/DiscountPage'), 'DiscountPage'),
  page('/audiences', () => import('../features/audiences/AudiencesPage'), 'AudiencesPage'),
  page('/counter', () => import('../features/counter/CounterPage'), 'CounterPage'),
  page(
    '/notifications',
    () => import('../features/notifications/NotificationsPage'),
    'NotificationsPage',
  ),
  page('/activity', () => import('../features/activity/ActivityPage'), 'ActivityPage'),
  page(
    '/settings/integrations',
    () => import('../features/integrations/IntegrationsPage'),
    'IntegrationsPage',
  ),
  page(
    '/settings/integrations/$platform',
    () => import('../features/integrations/CardPage'),
    'CardPage',
  ),
  page(
    '/settings/integrations/$platform/syncs/$sync',
    () => import('../features/sync/SyncPage'),
    'SyncPage',
  ),
  page(
    '/settings/integrations/$platform/stock',
    () => import('../features/inventory/StockPage'),
    'StockPage',
  ),
  page(
    '/settings/integrations/$platform/switch',
    () => import('../features/switching/SwitchPage'),
    'SwitchPage',
  ),
  page('/settings/account', () => import('../features/accounts/AccountPage'), 'AccountPage'),
  page('/settings/stores', () => import('../features/stores/StoresPage'), 'StoresPage'),
  page('/settings/stores/match', () => import('../features/stores/MatchPage'), 'MatchPage'),
  page('/settings/stores/$store', () => import('../features/stores/StorePage'), 'StorePage'),
  page('/settings/loyalty', () => import('../features/loyalty/LoyaltyPage'), 'LoyaltyPage'),
  page('/settings/texting', () => import('../features/texting/TextingPage'), 'TextingPage'),
  page('/settings/api', () => import('../features/api_keys/ApiKeysPage'), 'ApiKeysPage'),
];

export const router = createRouter({
  routeTree: root.addChildren([
    login,
    forgot,
    grid,
    home,
    choose,
    unnamed,
    account.addChildren(pages),
  ]),
  defaultErrorComponent: RouteBroken,
  defaultNotFoundComponent: RouteMissing,
  defaultPreload: 'intent',
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
