/** The pages of an account: one list for the navigation, the search and the way home. */

import type { Right } from './account';
import { t } from './words';

export interface Place {
  label: string;
  path: string;
  right: Right;
  group?: 'settings' | 'company';
}

export const PLACES: Place[] = [
  { label: t('overview'), path: '', right: 'integrations:read' },
  { label: t('personas'), path: '/personas', right: 'personas:read' },
  { label: t('discounts'), path: '/discounts', right: 'discounts:read' },
  { label: t('audiences'), path: '/audiences', right: 'audiences:read' },
  { label: t('counter'), path: '/counter', right: 'counter:use' },
  { label: t('notifications'), path: '/notifications', right: 'notifications:read' },
  { label: t('activity'), path: '/activity', right: 'audit:read' },
  {
    label: t('integrations'),
    path: '/settings/integrations',
    right: 'integrations:read',
    group: 'settings',
  },
  { label: t('account'), path: '/settings/account', right: 'account:read', group: 'company' },
  { label: t('stores'), path: '/settings/stores', right: 'stores:read', group: 'company' },
  { label: t('loyalty'), path: '/settings/loyalty', right: 'settings:read', group: 'settings' },
  { label: t('texting'), path: '/settings/texting', right: 'settings:read', group: 'settings' },
  { label: t('api'), path: '/settings/api', right: 'keys:read', group: 'settings' },
];

/** Where somebody with these rights starts: Staff in the Staff view, others at the first page. */
export function home(may: (right: Right) => boolean): string {
  return PLACES.find((place) => may(place.right))?.path ?? '/me';
}

/** The section of an address, without the ids in it: `/a/1/personas/x` is `/personas`. */
export function section(path: string): string {
  const rest = path.replace(/^\/a\/[^/]+/, '');
  const known = PLACES.filter((place) => place.path && rest.startsWith(place.path));
  return known.sort((a, b) => b.path.length - a.path.length)[0]?.path ?? '';
}
