import { bytes, number, percent, rate } from '@/i18n/format'
import type { Unit } from './figures'

/** A figure with its unit. */
export function written(value: number, unit: Unit): string {
  switch (unit) {
    case 'percent':
      return percent(value / 100)
    case 'bytes':
      return bytes(value, 1024)
    case 'rate':
      return value === 0 ? '0' : rate(value)
    case 'count':
      return number(value)
    case 'degrees':
      return `${number(value)} °C`
    case 'watts':
      return `${number(value)} W`
  }
}

export interface Extent {
  readonly now: number | null
  readonly least: number
  readonly most: number
}

/** The last, the least and the most of a column; null where it holds no number at all. */
export function extent(column: readonly (number | null)[]): Extent | null {
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  for (const value of column) {
    if (value === null) continue
    if (value < least) least = value
    if (value > most) most = value
  }
  return least > most ? null : { now: column.at(-1) ?? null, least, most }
}
