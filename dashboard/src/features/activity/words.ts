import { speaker } from '../../words/say';

export const t = speaker({
  title: 'Activity log',
  intro: 'Who changed what in this account, the latest first.',
  when: 'When',
  who: 'Who',
  what: 'What',
  change: 'Before → after',
  empty: 'Nothing was changed yet.',
  none: '—',
  everybody: 'Everybody',
  chosenPerson: 'The chosen person',
  subject: 'About',
  everything: 'Everything',
  from: 'From',
  to: 'To',
  of_account: 'Account Settings',
  of_store: 'Stores',
  of_user: 'Team',
  of_persona: 'Personas',
  of_discount: 'Discounts',
  of_loyalty: 'Loyalty',
  of_texting: 'Texting',
});

/** Acts as people say them; what is not named here is said by its key. */
const ACTS: Record<string, string> = {
  'account.created': 'Created the account',
  'account.changed': 'Changed Account Settings',
  'age_gate.ticked': 'Ticked the age-gate box',
  'age_gate.unticked': 'Unticked the age-gate box',
  'integration.connected': 'Connected',
  'integration.disconnected': 'Disconnected',
  'credential.added': 'Added a credential',
  'credential.changed': 'Changed a credential',
  'credential.removed': 'Removed a credential',
  'settings.changed': 'Changed settings',
  'settings.applied': 'Applied settings',
  'points.adjusted': 'Adjusted points',
  'texting.changed': 'Changed Texting',
  'texting.test': 'Sent a test text',
  'texting.reply_read': 'Decided on a reply',
  'sms.stopped': 'Stopped sending',
  'user.invited': 'Invited a person',
  'user.invited_again': 'Sent an invitation again',
  'user.accepted': 'Accepted an invitation',
  'user.declined': 'Declined an invitation',
  'user.changed': 'Changed a person',
};

export function actOf(action: string): string {
  const named = ACTS[action];
  if (named) return named;
  const words = action.replace(/[._]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
