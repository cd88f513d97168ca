import { speaker } from '../../words/say';

export const t = speaker({
  title: 'Notifications',
  nothing: 'Nothing needs you.',
  open: 'Open',
  mended: 'Mended',
  since: 'Since',
  match: 'Match keys',
  stores: 'Open stores',
  fix: 'Fix',
  replies: 'Read replies',
  look: 'Have a look',
  keep: 'Keep them',
  letGo: 'Let them go',
  takeOver: 'Take it over',
  dismiss: 'Leave as is',
  decided: 'Decided.',
  cleared: 'mended',
  noneMended: 'Nothing was mended lately.',
});
