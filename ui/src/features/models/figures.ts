// Figures of models as they are written.
import type { Schemas } from '@/api/client'
import { bytes, number } from '@/i18n/format'
import { language, type Language } from '@/i18n/texts'

/** `8B`, `80억`: a count of weights. */
export function parameters(count: number, lang: Language = language()): string {
  return new Intl.NumberFormat(lang, { notation: 'compact', maximumFractionDigits: 1 }).format(count)
}

/** Memory, by powers of 1,024 as the server's own messages count it. */
export function memory(value: number): string {
  return bytes(value, 1024)
}

/** `32k` where it is a round number of thousands of 1,024, else all digits. */
export function tokens(count: number): string {
  return count >= 1024 && count % 1024 === 0 ? `${number(count / 1024)}k` : number(count)
}

/** A value of a GGUF header; of a long list its beginning. */
export function written({ value, count }: Pick<Schemas['MetadataAnswer'], 'value' | 'count'>): string {
  if (value === null || value === undefined) return ''
  if (!Array.isArray(value)) return typeof value === 'string' ? value : String(value)
  const isWhole = typeof count !== 'number' || count <= value.length
  return isWhole ? value.join(', ') : `${value.join(', ')}, …`
}
