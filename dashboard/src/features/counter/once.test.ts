import { expect, test } from 'vitest';
import { contactOf, newKey } from './once';

test('what is typed is a phone or an e-mail', () => {
  expect(contactOf(' 206 555 0123 ')).toEqual({ phone: '206 555 0123' });
  expect(contactOf('ana@example.com')).toEqual({ email: 'ana@example.com' });
  expect(contactOf('  ')).toBeUndefined();
  expect(contactOf('Ana')).toBeUndefined();
});

test('each intended redemption has a key of its own', () => {
  expect(newKey()).not.toBe(newKey());
});
