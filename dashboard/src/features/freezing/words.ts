import { speaker } from '../../words/say';

export const t = speaker({
  title: "Use AIQ's last backup",
  unfreezeTitle: 'Unfreeze {title}',
  text: 'Freezes data from this source at the last audience run and stops AIQ from hitting the {title} API for new data.',
  warning: 'Warning:',
  warningText:
    'Do not turn this on unless you are switching POS systems and want to retain existing data.',
  last: 'Last audience run',
  lastAt: 'Last audience run, {at}',
  lastCounts:
    '{personas, plural, one {# persona} other {# personas}}, {sales, plural, one {# sale} other {# sales}}, {members, plural, one {# member} other {# members}}, {points} points since then are rolled back.',
  noBackup: 'There is no backup yet. The first audience run is tonight.',
  now: 'Take a backup now',
  nowText: 'Nothing is rolled back.',
  stays: 'Signups, consents, redemptions, adjusted points, mappings and erasures always stay.',
  counting: 'Counting what would be rolled back…',
  freeze: 'Freeze {title}',
  unfreeze: 'Unfreeze {title}',
  unfreezeText: 'Puts back what was rolled back, then catches up from {at}.',
  unfreezeTextNow: 'Puts back what was rolled back, then catches up.',
  freezing: 'Freezing…',
  frozenSince: 'Frozen since {at}.',
  frozenText:
    'AIQ makes no call to {title}. Dates, the age-gate box and removing credentials work.',
  rollingBack:
    'Rolling back: {done, number} of {total, number}. Settings are off until it is done.',
  rollingForward: 'Putting back what was rolled back: {done, number} of {total, number}.',
  unfreezing: 'Unfreezing…',
  waitingPushes:
    '{count, plural, one {# call of {title} waits and is} other {# calls of {title} wait and are}} stored when it is unfrozen.',
  choice: 'Which state to keep',
});
