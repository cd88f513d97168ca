import { describe, expect, test } from 'vitest';
import { changeOf, inputOf, minor, NEW } from './draft';

describe('a discount that is typed', () => {
  const five = { ...NEW, name: ' $5 off ', points: '100', off: 'amount 5' };

  test('has its amount in minor units', () => {
    expect(inputOf(five)).toMatchObject({ name: '$5 off', amount_off: 500, percent_off: null });
    expect(minor('19.99')).toBe(1999);
    expect(minor('a')).toBeNaN();
  });

  test('is a percentage or an amount, never both', () => {
    const percent = { ...five, off: 'percent 10' };
    expect(inputOf(percent)).toMatchObject({ amount_off: null, percent_off: 10 });
  });

  test('sends of a change what differs', () => {
    expect(changeOf(five, { ...five, stores: '2', points: '120' })).toEqual({
      points: 120,
      stores: [2],
    });
    expect(changeOf(five, { ...five })).toEqual({});
  });
});
