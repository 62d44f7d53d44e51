// What a load would take, as parts of a bar, and how tight that is. Pure.
import type { Schemas } from '@/api/client'

export type Estimate = Schemas['EstimateAnswer']
export type Change = Schemas['ChangeAnswer']
export type Part = 'weights' | 'kv' | 'scratch' | 'cache' | 'process'
export type Fit = 'fits' | 'tight' | 'evicts' | 'waits' | 'too_large'

export interface Bar {
  parts: readonly { name: Part; bytes: number; share: number }[]
  /** Bytes of all parts. */
  total: number
  /** Bytes it may take: RAM, and GPUs where some of it goes there; null where memory is not counted. */
  limit: number | null
  /** What others have of it. */
  others: number
  othersShare: number
  over: boolean
}

/** The bar of an estimate: shares are of the limit, or of the total where that is more. */
export function bar(found: Estimate): Bar {
  const { need } = found
  const device = need.device
  const bytes: Record<Part, number> = {
    weights: need.weights + need.copies,
    kv: need.kv,
    scratch: need.scratch,
    cache: need.cache,
    process: need.process,
  }
  const known = Object.values(bytes).reduce((sum, one) => sum + one, 0)
  // What goes to GPUs is reckoned in one figure: weights first, as that is most of it.
  bytes.weights += device
  const total = Math.max(found.memory + device, known + device)
  bytes.process += total - known - device
  const limit = found.limit === null ? null : found.limit + (device > 0 ? (found.device_limit ?? 0) : 0)
  const others = found.limit === null || found.free === null ? 0 : Math.max(0, found.limit - found.free)
  const whole = Math.max(total + others, limit ?? 0, 1)
  const names: readonly Part[] = ['weights', 'kv', 'scratch', 'cache', 'process']
  return {
    parts: names.filter((name) => bytes[name] > 0).map((name) => ({ name, bytes: bytes[name], share: bytes[name] / whole })),
    total,
    limit,
    others,
    othersShare: others / whole,
    over: found.verdict === 'too_large',
  }
}

/** `tight`: it fits, and takes more than four fifths of what is free. */
export function fit(found: Estimate): Fit {
  if (found.verdict !== 'fits') return found.verdict
  return found.free !== null && found.memory > found.free * 0.8 ? 'tight' : 'fits'
}

/** Whether a change can be made from here: models that go, or settings; other files and more memory cannot. */
export function isApplied({ at_most: most, unload, settings }: Change): boolean {
  return most === null && (unload.length > 0 || Object.keys(settings).length > 0)
}

export const TONES = { fits: 'good', tight: 'warn', evicts: 'warn', waits: 'warn', too_large: 'bad' } as const
