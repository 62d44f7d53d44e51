import { describe, expect, it } from 'vitest'
import { Flush, type Timer } from './flush'

class Clock implements Timer {
  time = 1000
  private waiting: { at: number; then: () => void }[] = []

  now(): number {
    return this.time
  }

  after(ms: number, then: () => void): () => void {
    const entry = { at: this.time + ms, then }
    this.waiting.push(entry)
    return () => {
      this.waiting = this.waiting.filter((other) => other !== entry)
    }
  }

  pass(ms: number): void {
    const until = this.time + ms
    for (;;) {
      const next = this.waiting.filter((entry) => entry.at <= until).sort((a, b) => a.at - b.at)[0]
      if (next === undefined) break
      this.time = next.at
      this.waiting = this.waiting.filter((entry) => entry !== next)
      next.then()
    }
    this.time = until
  }
}

function drawing(took = 0): { clock: Clock; flush: Flush; at: number[] } {
  const clock = new Clock()
  const at: number[] = []
  const flush = new Flush(() => {
    at.push(clock.time)
    clock.time += took
  }, clock)
  return { clock, flush, at }
}

describe('Flush', () => {
  it('draws the first at once and 200 a second at most every 66 ms', () => {
    const { clock, flush, at } = drawing()
    for (let token = 0; token < 200; token++) {
      flush.ask()
      clock.pass(5)
    }
    expect(at[0]).toBe(1000)
    expect(at.length).toBeLessThanOrEqual(16)
    at.slice(1).forEach((time, index) => expect(time - (at[index] ?? 0)).toBeGreaterThanOrEqual(66))
  })

  it('draws the last, too', () => {
    const { clock, flush, at } = drawing()
    flush.ask()
    flush.ask()
    clock.pass(70)
    expect(at.length).toBe(2)
    clock.pass(500)
    expect(at.length).toBe(2)
  })

  it('takes a longer breath after a slow drawing', () => {
    const { clock, flush, at } = drawing(30)
    flush.ask()
    flush.ask()
    clock.pass(99)
    expect(at.length).toBe(1)
    clock.pass(1)
    expect(at.length).toBe(2)
  })

  it('draws now when told so, and forgets what waited', () => {
    const { clock, flush, at } = drawing()
    flush.ask()
    flush.ask()
    flush.now()
    expect(at.length).toBe(2)
    clock.pass(500)
    expect(at.length).toBe(2)
    flush.ask()
    flush.ask()
    flush.stop()
    clock.pass(500)
    expect(at.length).toBe(3)
  })
})
