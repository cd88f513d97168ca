import { expect, test } from 'vitest';
import { kindOf, nameOf } from './queries';

test('what is typed is guessed as one types it', () => {
  expect(kindOf('206 555 0123')).toBe('phone');
  expect(kindOf('+1 (206) 555-0123')).toBe('phone');
  expect(kindOf(' ana@greenleaf.example ')).toBe('email');
  expect(kindOf('3f2a9c4b5d6e7f8091a2b3c4d5e6f708')).toBe('contact_id');
  expect(kindOf('CUST-4411')).toBe('source_id');
  expect(kindOf('Maria Q')).toBe('name');
  expect(kindOf('O’Brien')).toBe('name');
});

test('a shopper without a name has none', () => {
  expect(nameOf({ first: '', last: '' })).toBe('');
  expect(nameOf({ first: 'Maria', last: '' })).toBe('Maria');
});
