import { speaker } from '../../words/say';

export const t = speaker({
  changeTitle: 'Change {label}',
  removeTitle: 'Remove {label}',
  day: 'Day',
  preview: 'Preview change',
  counting: 'Counting…',
  still:
    '{n, plural, one {Still counting: # persona so far.} other {Still counting: # personas so far.}}',
  mayClose: 'You may close this; nothing is changed until you apply it.',
  enrolled: '*{n, plural, one {# persona} other {# personas}}* would be enrolled',
  messages: '*{n, plural, one {# message} other {# messages}}* would be sent',
  lost: '*{n, plural, one {# member} other {# members}}* would be lost',
  optIns: '*{n, plural, one {# shopper} other {# shoppers}}* would be opted in',
  balances: '*{n, plural, one {# balance} other {# balances}}* would change, by {points} points',
  twice: '*{n, plural, one {# sale} other {# sales}}* would earn twice',
  joinedCount: '*{n, plural, one {# persona} other {# personas}}* would become part of another',
  split: '*{n, plural, one {# persona} other {# personas}}* more there would be: one comes apart',
  dropped:
    '*{n, plural, one {# persona} other {# personas}}* would be shown no more, for want of a contact',
  doubled:
    '*{n, plural, one {# sale} other {# sales}}* would wait for a person: another POS tells one like it',
  outOfMarket:
    '*{n, plural, one {# shopper} other {# shoppers}}* of other markets would no longer be here',
  backInMarket: '*{n, plural, one {# shopper} other {# shoppers}}* of other markets would be back',
  nobody: 'Nobody is affected.',
  largest: 'The largest changes',
  warning: 'Warning:',
  keep: 'Keep them',
  keepText:
    '{n, plural, one {# stays a member and loses no point} other {# stay members and lose no point}}.',
  letGo: 'Let them go',
  letGoText: '{n, plural, one {# leaves} other {# leave}}.',
  formStay: 'Members who used a signup form always stay.',
  choose: 'Who would be lost',
  sending:
    'The first goes after a waiting time, between 08:00 and 21:00 at the shopper’s store. Until then you can cancel, afterwards stop.',
  takes: 'Takes 24 hours to reflect; usually minutes.',
  enrollAndText: 'Enroll {n, number} and text {m, number}',
  enroll: 'Enroll {n, number}',
  text: 'Text {m, number}',
  removeKeep: 'Remove, keep {n, number}',
  removeLetGo: 'Remove, let {n, number} go',
  apply: 'Apply change',
  remove: 'Remove setting',
  changedMeanwhile:
    'Somebody changed this meanwhile: now *{theirs}*, before *{before}*. What you chose is still here.',
  notSet: 'not set',
  outdated: 'The numbers were out of date; here are new ones.',
  role: 'An Owner or Operator can apply this.',
  goToBox: 'Go to the box',
  dayNeeded: 'Choose a day.',
  working: 'Changing',
});
