import { speaker } from '../../words/say';

export const t = speaker({
  salesTitle: '{n, plural, =0 {No sales} one {# sale} other {# sales}} in 7 days',
  personasTitle:
    '{n, plural, =0 {No new personas} one {# new persona} other {# new personas}} in 7 days',
  pointsTitle: '{points} points open',
  pointsUnknown: 'Points open',
  noSales: 'No sales yet. They appear after the first sync.',
  noPersonas: 'No personas yet. They appear minutes after a POS is connected.',
  noPoints: 'Points open are counted every night.',
  asTable: 'Show as table',
  asChart: 'Show as chart',
  day: 'Day',
  total: 'Total',
  points: 'Points open',
  soFar: 'so far',
  noData: 'no data',
  asOf: 'As of {at}',
  keys: 'Arrow keys move through the days.',
  charts: 'Charts',
  sales: 'Sales',
  personas: 'Personas',
  today: '{n, plural, other {+# today}}',
  members: 'Members',
  counted: 'as of {at}',
  uncounted: 'Counted by tonight’s audience run.',
});
