import { expect, test } from 'vitest';
import { actorOfCheck, inNeedFirst, matches, pillOf } from './state';

const card = (code: string, actor: 'you' | 'the POS' | 'us' | null = null, title = 'Webjoint') => ({
  title,
  health: { level: 'good' as const, code, actor, credential: null, since: null },
});

test('a failure says whose it is, and the retailer’s own is the worst', () => {
  expect(pillOf(card('key_rejected', 'you'))).toEqual({ meaning: 'bad', word: 'Needs you' });
  expect(pillOf(card('upstream', 'the POS')).word).toBe('Webjoint problem');
  expect(pillOf(card('internal', 'us')).word).toBe('Our problem');
});

test('cards in need come first', () => {
  const cards = [
    card('connected', null, 'A'),
    card('key_rejected', 'you', 'B'),
    card('stale', null, 'C'),
  ];
  expect(inNeedFirst(cards).map((each) => each.title)).toEqual(['B', 'C', 'A']);
});

test('thsuite finds THSuite API, and so does the title as one types it', () => {
  const thsuite = { title: 'THSuite API', platform: 'thsuite' };
  for (const typed of ['thsuite', 'THSuite API', 'th suite', 'api', '']) {
    expect(matches(thsuite, typed)).toBe(true);
  }
  expect(matches(thsuite, 'posabit')).toBe(false);
});

test('a server of their own is the retailer’s to mend, another the POS’s', () => {
  const silent = {
    outcome: 'server_unreachable',
    code: 'server_unreachable',
    actor: 'you',
  } as const;
  expect(actorOfCheck(silent, true)).toBe('you');
  expect(actorOfCheck(silent, false)).toBe('the POS');
  expect(actorOfCheck({ ...silent, code: 'host_refused' }, false)).toBe('you');
  expect(
    actorOfCheck({ outcome: 'key_rejected', code: 'login_expired', actor: 'you' }, false),
  ).toBe('you');
  expect(actorOfCheck({ outcome: 'unexpected_answer', code: 'internal', actor: null }, false)).toBe(
    'us',
  );
});
