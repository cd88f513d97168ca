/** The user pool's rule (infra/identity.yaml): at least 12, a capital, a small letter, a number. */
export function strong(password: string): boolean {
  return (
    password.length >= 12 && /[A-Z]/.test(password) && /[a-z]/.test(password) && /\d/.test(password)
  );
}

/** Where to go after a log-in: an address of ours, never another site's. */
export function safeBack(back: string | undefined): string {
  return back?.startsWith('/') && !back.startsWith('//') && !back.startsWith('/\\') ? back : '/';
}
