import { describe, expect, it } from 'vitest'
import { bar, fit, type Estimate } from './fit'

const GB = 1e9

function estimate(more: Partial<Estimate> = {}, need: Partial<Estimate['need']> = {}): Estimate {
  return {
    model: 'm', context: 4096, parallel: 1, gpu_layers: 0,
    need: { process: 0.1 * GB, weights: 4.9 * GB, copies: 0, kv: 4 * GB, scratch: 0.3 * GB, cache: 0, device: 0, ...need },
    memory: 9.3 * GB, measured: false, limit: 16 * GB, device_limit: null, free: 16 * GB, verdict: 'fits', evict: [], advice: '', changes: [],
    ...more,
  }
}

describe('the bar', () => {
  it('has parts that come to the whole', () => {
    const found = bar(estimate())
    expect(found.parts.map((part) => part.name)).toEqual(['weights', 'kv', 'scratch', 'process'])
    expect(found.parts.reduce((sum, part) => sum + part.bytes, 0)).toBeCloseTo(found.total)
    expect(found.parts.reduce((sum, part) => sum + part.share, 0)).toBeCloseTo(9.3 / 16)
  })
  it('shows what was measured where it is more than was reckoned', () => {
    expect(bar(estimate({ memory: 12 * GB, measured: true })).total).toBe(12 * GB)
  })
  it('is never longer than it is', () => {
    const found = bar(estimate({ memory: 40 * GB, verdict: 'too_large', free: 10 * GB }, { kv: 34.7 * GB }))
    expect(found.over).toBe(true)
    expect(found.parts.reduce((sum, part) => sum + part.share, found.othersShare)).toBeCloseTo(1)
  })
  it('counts the memory of GPUs where some of it goes there', () => {
    const found = bar(estimate({ device_limit: 8 * GB, memory: 1 * GB }, { weights: 0.9 * GB, kv: 0, scratch: 0, device: 4 * GB }))
    expect(found.limit).toBe(24 * GB)
    expect(found.total).toBeCloseTo(5 * GB)
  })
  it('has no limit where memory is not counted', () => {
    expect(bar(estimate({ limit: null, free: null }))).toMatchObject({ limit: null, others: 0 })
  })
})

describe('the fit', () => {
  it.each([
    [estimate(), 'fits'],
    [estimate({ free: 10 * GB }), 'tight'],
    [estimate({ verdict: 'evicts' }), 'evicts'],
    [estimate({ verdict: 'too_large' }), 'too_large'],
    [estimate({ limit: null, free: null }), 'fits'],
  ] as const)('%#', (found, said) => {
    expect(fit(found)).toBe(said)
  })
})
