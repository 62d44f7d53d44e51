import { describe, expect, it } from 'vitest'
import type { LiveRequest } from '@/realtime/topics'
import { NO_RATES, ratesAfter, readShare } from './rates'

function request(number: number, output: number, more: Partial<LiveRequest> = {}): LiveRequest {
  return {
    number,
    id: `r${number}`,
    kind: 'generation',
    caller: 'local',
    model: 'm',
    worker: 'm',
    phase: 'decoding',
    position: 0,
    wait: null,
    prompt_tokens: 100,
    prefilled_tokens: 0,
    output_tokens: output,
    started: 0,
    params: {},
    ...more,
  }
}

describe('ratesAfter', () => {
  it('is known after a second, and is that of the last second', () => {
    let rates = ratesAfter(NO_RATES, [request(1, 0)], 10)
    expect(rates.get(1)?.rate).toBeNull()
    rates = ratesAfter(rates, [request(1, 20)], 10.5)
    expect(rates.get(1)?.rate).toBeNull()
    rates = ratesAfter(rates, [request(1, 60)], 11)
    expect(rates.get(1)?.rate).toBe(60)
    rates = ratesAfter(rates, [request(1, 70)], 13)
    expect(rates.get(1)?.rate).toBe(5)
  })

  it('begins anew where a request runs again, and forgets those that are gone', () => {
    let rates = ratesAfter(NO_RATES, [request(1, 50), request(2, 5)], 1)
    rates = ratesAfter(rates, [request(1, 3)], 2)
    expect(rates.get(1)?.rate).toBeNull()
    expect(rates.has(2)).toBe(false)
  })
})

describe('readShare', () => {
  it('is what is read of the prompt, all once it writes, and nothing while that is not known', () => {
    expect(readShare(request(1, 0, { phase: 'prefill', prefilled_tokens: 25 }))).toBe(0.25)
    expect(readShare(request(1, 5))).toBe(1)
    expect(readShare(request(1, 0, { phase: 'queued', prompt_tokens: 0 }))).toBeNull()
  })
})
