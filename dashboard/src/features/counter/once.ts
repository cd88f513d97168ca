/** Keys of acts at the counter: one per intended redemption, the same for every try of it. */

/** A new Idempotency-Key. */
export function newKey(): string {
  return `counter-${crypto.randomUUID()}`;
}

/** Whether typed text is meant as an e-mail. */
export function contactOf(typed: string): { phone: string } | { email: string } | undefined {
  const text = typed.trim();
  if (!text) return undefined;
  if (text.includes('@')) return { email: text };
  return /\d/.test(text) ? { phone: text } : undefined;
}
