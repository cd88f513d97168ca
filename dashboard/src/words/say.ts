/** Words by key. Each feature has a catalogue of its own; plurals and numbers are ICU messages. */

import { IntlMessageFormat } from 'intl-messageformat';

export type Values = Record<string, string | number>;

const LOCALE = 'en-US';

/** A function that says the catalogue's message of a key: `t('keys', { n: 3 })`. */
export function speaker<Key extends string>(
  catalogue: Record<Key, string>,
): (key: Key, values?: Values) => string {
  const compiled = new Map<Key, IntlMessageFormat>();
  return (key, values) => {
    let message = compiled.get(key);
    if (!message) {
      message = new IntlMessageFormat(catalogue[key], LOCALE, undefined, { ignoreTag: true });
      compiled.set(key, message);
    }
    return String(message.format(values));
  };
}
