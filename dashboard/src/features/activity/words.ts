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
  yes: 'yes',
  no: 'no',
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
  'user.emails_chosen': 'Chose which e-mails come',
  'loyalty.changed': 'Changed Loyalty',
  'store.created': 'Added a store',
  'store.changed': 'Changed a store',
  'store.mapped': 'Mapped keys to a store',
  'discount.created': 'Created a discount',
  'discount.changed': 'Changed a discount',
  'discount.deleted': 'Removed a discount',
  'points.redeemed': 'Redeemed at the counter',
  'points.redemption_undone': 'Undid a redemption',
  'consent.opted_out': 'Opted a shopper out',
  'members.kept': 'Kept members who had left',
  'members.let_go': 'Let members go',
  'contacts.taken_over': 'Took withdrawn contacts over',
  'contacts.dismissed': 'Left withdrawn contacts as they were',
  'backup.used': "Used AIQ's last backup",
  'backup.left': "Turned AIQ's last backup off",
  'backup.removed': 'Removed an old backup',
  'source.removed': 'Removed the data of a source',
  'source.restored': 'Put the data of a source back',
  'source.deleted': 'Deleted the data of a source for good',
  'switch.begun': 'Began to switch POS',
  'switch.decided': 'Decided on sales that look doubled',
  'switch.finished': 'Finished switching POS',
  'switch.abandoned': 'Gave up switching POS',
  'shopper.created_again': 'Created a shopper in the POS again',
  'persona.erased': 'Erased a persona',
  'api_key.created': 'Created an API key',
  'api_key.changed': 'Changed an API key',
  'api_key.replaced': 'Replaced an API key',
  'api_key.revoked': 'Revoked an API key',
  'webhook_secret.created': 'Created a webhook secret',
  'webhook_secret.revoked': 'Revoked a webhook secret',
};

export function actOf(action: string): string {
  const named = ACTS[action];
  if (named) return named;
  const words = action.replace(/[._]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Fields as their page calls them, where their key is another word. */
const FIELDS: Record<string, string> = {
  sync_hour: 'daily sync at',
  sync_every_hours: 'hours between the syncs of a day',
  merge_on_name_and_birth_date: 'also join same name and birth date',
  counter_pin: 'ask for a PIN at the counter',
  email_severities: 'e-mails',
  locale: 'numbers and dates',
};

export function fieldOf(name: string): string {
  return FIELDS[name] ?? name.replace(/_/g, ' ');
}
