/** What a source of shoppers is called: a POS by its word, as it is stored; our own two by name. */

const OURS: Record<string, string> = { aiq: 'AIQ Loyalty', api: 'REST API' };

export const OWN_SYMBOLS: Record<string, string> = { aiq: 'AIQ', api: 'API' };

export const OWN_SOURCES = Object.keys(OURS);

export function titleOfSource(source: string): string {
  return OURS[source] ?? source;
}
