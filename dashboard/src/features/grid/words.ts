import { speaker } from '../../words/say';

export const t = speaker({
  title: 'Integration Grid',
  intro: 'What AIQ does with each point of sale.',
  ability: 'Ability',
  back: 'Go to AIQ',
});
