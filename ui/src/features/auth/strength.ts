export type Strength = 'weak' | 'fair' | 'strong'

/** How hard a password is to guess, roughly: its length counts most, then how many kinds of characters it has. */
export function strength(password: string): Strength {
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^\w\s]|_/, /\s/, /[^\p{ASCII}]/u].filter((kind) => kind.test(password)).length
  const distinct = new Set(password).size
  const bits = Math.min(password.length, distinct * 2) * (2 + kinds)
  if (password.length < 8 || bits < 36) return 'weak'
  return bits < 56 ? 'fair' : 'strong'
}
