import type { Card, Credential } from './queries';
import { t } from './words';

/** What a person calls a credential: its first plain field, but for an address; else its secret's end. */
export function nameOfCredential(card: Card, credential: Credential): string {
  const said = card.credential_fields.filter(
    (field) => !field.secret && credential.fields[field.key],
  );
  const plain = said.find((field) => !field.host) ?? said[0];
  if (plain) return credential.fields[plain.key] ?? '';
  const four = credential.secrets[0]?.last_four;
  return four ? t('keyEnds', { four }) : (credential.scope ?? card.title);
}

/** The address of the retailer's own server among a credential's values, where one was typed. */
export function hostOf(card: Card, values: Record<string, string>): string | undefined {
  const field = card.credential_fields.find((each) => each.host);
  return (field && values[field.key]?.trim()) || undefined;
}
