/** Which addresses in a model's text may be followed, and which pictures are shown. */

const SCHEMES = new Set(['http:', 'https:', 'mailto:', 'tel:'])
const PICTURE = /^data:image\/(?:png|jpeg|gif|webp|avif|bmp);base64,/i

/** The address to link to, or null for one that could do more than be opened (`javascript:`, `data:`, `file:`). */
export function safeLink(address: string | undefined): string | null {
  if (address === undefined) return null
  // Browsers drop control characters and spaces before they read the scheme; so does this, or `java\nscript:` would pass.
  const clean = [...address].filter((char) => (char.codePointAt(0) ?? 0) > 0x20 && char !== '\u007f').join('')
  if (clean === '' || clean.startsWith('//')) return null
  if (clean.startsWith('#')) return clean
  try {
    const url = new URL(clean)
    return SCHEMES.has(url.protocol) ? clean : null
  } catch {
    return null
  }
}

export type Picture = { readonly shown: string } | { readonly blocked: string }

/** A picture is shown where it comes from this server or is in the text itself; any other would tell its host who reads. */
export function picture(address: string | undefined): Picture {
  const given = (address ?? '').trim()
  if (PICTURE.test(given) || /^\/api\/v1\/files\/[\w-]+$/.test(given)) return { shown: given }
  return { blocked: safeLink(given) ?? '' }
}
