/** What can be attached: which kind a file is, and why one cannot be taken. */

export type Attachable = 'image' | 'audio' | 'file'

/** A paste that is longer than this many characters becomes a file. */
export const LONG_PASTE = 2500
/** A file of text is read whole into the prompt; beyond this it fits into no context. */
export const MAX_TEXT = 2_000_000

const IMAGES = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif', 'image/bmp'])
const TEXTS =
  /\.(?:txt|md|markdown|rst|csv|tsv|json|jsonl|ya?ml|toml|ini|cfg|conf|log|xml|html?|css|s[ac]ss|jsx?|mjs|tsx?|py|pyi|rb|go|rs|java|kt|swift|c|h|cc|cpp|hpp|cs|php|sh|bash|zsh|ps1|sql|r|lua|pl|tex|diff|patch|vue|svelte|dockerfile|gitignore|env)$/i

const isPdf = (file: Given) => file.type === 'application/pdf' || /\.pdf$/i.test(file.name)

export interface Given {
  readonly name: string
  readonly type: string
  readonly size: number
}

/** Null where it is nothing that a model can be given. */
export function kindOf(file: Given): Attachable | null {
  if (IMAGES.has(file.type)) return 'image'
  if (/^audio\/(?:wav|wave|x-wav|vnd\.wave)$/.test(file.type) || /\.wav$/i.test(file.name)) return 'audio'
  if (file.type.startsWith('text/') || file.type === 'application/json' || isPdf(file) || TEXTS.test(file.name)) return 'file'
  return null
}

export type Refusal = 'kind' | 'vision' | 'audio' | 'large' | 'empty'

export interface Limits {
  readonly vision: boolean
  readonly audio: boolean
  /** Bytes of one file. */
  readonly largest: number
}

export function refusal(file: Given, limits: Limits): Refusal | null {
  const kind = kindOf(file)
  if (kind === null) return 'kind'
  if (file.size === 0) return 'empty'
  if (kind === 'image' && !limits.vision) return 'vision'
  if (kind === 'audio' && !limits.audio) return 'audio'
  return file.size > mostBytes(file, limits.largest) ? 'large' : null
}

/** Bytes of a file of that kind; of a PDF the server says whether its text is too long. */
export function mostBytes(file: Given, largest: number): number {
  return kindOf(file) === 'file' && !isPdf(file) ? Math.min(MAX_TEXT, largest) : largest
}

/** `files` and those of `more` that are not among them: the same file beside itself says nothing new. */
export function together(files: readonly File[], more: readonly File[]): File[] {
  const found = [...files]
  for (const file of more) if (!found.some((one) => isSame(one, file))) found.push(file)
  return found
}

function isSame(a: File, b: File): boolean {
  return a.name === b.name && a.size === b.size && a.lastModified === b.lastModified
}

/** The size to draw a picture in, so that no side is longer than `longest`; never larger than it is. */
export function fitted(width: number, height: number, longest: number): { width: number; height: number } {
  const scale = Math.min(1, longest / Math.max(width, height, 1))
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}

/** The paste as a file, where it is too long to read in a text field. */
export function pasteAsFile(text: string, now: Date): File | null {
  if (text.length <= LONG_PASTE) return null
  const stamp = now.toISOString().slice(0, 19).replaceAll(':', '').replace('T', '-')
  return new File([text], `pasted-${stamp}.txt`, { type: 'text/plain' })
}
