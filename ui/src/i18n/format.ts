// Numbers, sizes and times as the reader's language writes them. Pure, but for the language that is asked for.
import { language, type Language } from './texts'

const formats = new Map<string, Intl.NumberFormat>()

function numbers(options: Intl.NumberFormatOptions, lang: Language): Intl.NumberFormat {
  const key = `${lang}${JSON.stringify(options)}`
  let found = formats.get(key)
  if (found === undefined) {
    found = new Intl.NumberFormat(lang, options)
    formats.set(key, found)
  }
  return found
}

/** `1,234.5`; at most `digits` behind the point. */
export function number(value: number, digits = 0, lang: Language = language()): string {
  return numbers({ maximumFractionDigits: digits }, lang).format(value)
}

/** Three digits that matter: `1,930`, `61.3`, `0.42`. */
export function rate(value: number, lang: Language = language()): string {
  return number(value, value >= 100 ? 0 : value >= 10 ? 1 : 2, lang)
}

/** `34 %` of a share of one. */
export function percent(share: number, digits = 0, lang: Language = language()): string {
  return numbers({ style: 'percent', maximumFractionDigits: digits }, lang).format(share)
}

/** Those of `parts` that say something, between dots, none of which begins a line. */
export function dotted(parts: readonly (string | false | null | undefined)[]): string {
  return parts.filter((part) => typeof part === 'string' && part !== '').join('\u00A0· ')
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** `4.9 GB`, by powers of 1,000 as disks and downloads are sold, or of 1,024 (`GiB`) for memory. */
export function bytes(value: number, base: 1000 | 1024 = 1000, lang: Language = language()): string {
  const unit = unitOf(value, base)
  return `${amountOf(value, base, unit, lang)} ${nameOf(unit, base)}`
}

/** `0.5/16 GiB`: a part and its whole in the unit of the whole, by powers of 1,024. */
export function bytesOf(part: number, whole: number, lang: Language = language()): string {
  const unit = unitOf(whole, 1024)
  return `${amountOf(part, 1024, unit, lang)}/${amountOf(whole, 1024, unit, lang)} ${nameOf(unit, 1024)}`
}

/** The largest unit of which it is one; what would be written as a whole larger one is one. */
function unitOf(value: number, base: number): number {
  let unit = 0
  while (unit < UNITS.length - 1 && Math.abs(value) / base ** unit >= base - 0.5) unit += 1
  return unit
}

function amountOf(value: number, base: number, unit: number, lang: Language): string {
  const amount = value / base ** unit
  return number(amount, unit === 0 || amount >= 100 ? 0 : 1, lang)
}

function nameOf(unit: number, base: number): string {
  const name = UNITS[unit] ?? 'B'
  return base === 1024 && unit > 0 ? name.replace('k', 'K').replace('B', 'iB') : name
}

/** `4.2 s`, `3 min 5 s`, `2 h 10 min`. */
export function duration(seconds: number, lang: Language = language()): string {
  const words = lang === 'ko' ? { s: '초', m: '분', h: '시간', d: '일' } : { s: 's', m: 'min', h: 'h', d: 'd' }
  const join = lang === 'ko' ? '' : ' '
  if (seconds < 59.5) return `${number(seconds, seconds < 10 ? 1 : 0, lang)}${join}${words.s}`
  // Rounded to the smaller of its two units first, so that 119.7 s are 2 min and not 1 min 60 s.
  const minutes = Math.round(seconds / 60)
  const hours = Math.round(seconds / 3600)
  const [whole, size, bigName, smallName]: [number, number, string, string] =
    seconds < 3599.5
      ? [Math.round(seconds), 60, words.m, words.s]
      : minutes < 1440
        ? [minutes, 60, words.h, words.m]
        : [hours, 24, words.d, words.h]
  const [big, small] = [Math.floor(whole / size), whole % size]
  const first = `${number(big, 0, lang)}${join}${bigName}`
  return small === 0 ? first : `${first} ${number(small, 0, lang)}${join}${smallName}`
}

/** `3 minutes ago`; `at` in seconds since 1970. */
export function ago(at: number, now = Date.now() / 1000, lang: Language = language()): string {
  const relative = new Intl.RelativeTimeFormat(lang, { numeric: 'auto' })
  const past = at - now
  const steps: [number, Intl.RelativeTimeFormatUnit][] = [
    [60, 'second'],
    [3600, 'minute'],
    [86_400, 'hour'],
    [86_400 * 30, 'day'],
    [86_400 * 365, 'month'],
  ]
  let size = 1
  for (const [below, unit] of steps) {
    // As it will be written: 59.6 s ago is a minute ago.
    if (Math.abs(Math.round(past / size)) * size < below) return relative.format(Math.round(past / size), unit)
    size = below
  }
  return relative.format(Math.round(past / size), 'year')
}

/** Date and time; `at` in seconds since 1970. */
export function moment(at: number, lang: Language = language()): string {
  return new Intl.DateTimeFormat(lang, { dateStyle: 'medium', timeStyle: 'short' }).format(at * 1000)
}

/** The date alone. */
export function day(at: number, lang: Language = language()): string {
  return new Intl.DateTimeFormat(lang, { dateStyle: 'medium' }).format(at * 1000)
}

/** Names as a list: `a, b and c`. */
export function list(items: readonly string[], lang: Language = language()): string {
  return new Intl.ListFormat(lang).format(items)
}
