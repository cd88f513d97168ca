import { expect, test } from 'vitest';
import { safeBack, strong } from './password';

test('a password needs twelve characters, a capital, a small letter and a number', () => {
  expect(strong('Correct-horse-1')).toBe(true);
  for (const weak of ['Short-1', 'no-capital-here-1', 'NO-SMALL-HERE-1', 'No-number-here']) {
    expect(strong(weak)).toBe(false);
  }
});

test('after a log-in nobody is led to another site', () => {
  expect(safeBack('/a/1/personas?is=member')).toBe('/a/1/personas?is=member');
  for (const bad of ['https://evil.example', '//evil.example', '/\\evil.example', '', undefined]) {
    expect(safeBack(bad)).toBe('/');
  }
});
