import type { Card, Credential } from './queries';
import { t } from './words';

/** What a person calls a credential: its first plain field, else its secret's end. */
export function nameOfCredential(card: Card, credential: Credential): string {
  const plain = card.credential_fields.find(
    (field) => !field.secret && credential.fields[field.key],
  );
  if (plain) return credential.fields[plain.key] ?? '';
  const four = credential.secrets[0]?.last_four;
  return four ? t('keyEnds', { four }) : (credential.scope ?? card.title);
}
