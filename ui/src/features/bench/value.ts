import { bytes, duration, number, percent, rate } from '@/i18n/format'
import type { Cell, Column } from './rows'

/** A figure of a column as it is read; speeds and times with the digits that matter. */
export function written(value: number, unit: Column['unit']): string {
  switch (unit) {
    case 'file':
      return bytes(value)
    case 'memory':
      return bytes(value, 1024)
    case 'seconds':
      return value < 1 ? `${number(value * 1000, value < 0.01 ? 1 : 0)} ms` : duration(value)
    case 'speed':
      return rate(value)
    case 'plain':
      return number(value, value < 0.1 ? 4 : value < 10 ? 3 : 2)
    case 'share':
      return percent(value, 1)
  }
}

/** `+12.3 %`, with its sign. */
export function change(share: number): string {
  if (Math.abs(share) < 0.0005) return percent(0)
  return `${share >= 0 ? '+' : '−'}${percent(Math.abs(share), 1)}`
}

export function cellName({ prompt, gen, streams = 1 }: Cell): string {
  return `${number(prompt)} → ${number(gen)}${streams > 1 ? ` × ${streams}` : ''}`
}
