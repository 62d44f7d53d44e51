import { describe, expect, it } from 'vitest'

import { LogBuffer } from './log-buffer'
import { EVERYTHING, type Line } from './log-filter'
import { lineOf, written } from './log-line'

function line(number: number, more: Partial<Line> = {}): Line {
  const text = more.text ?? `line ${number}`
  return {
    number,
    stamp: '',
    at: '',
    level: 'info',
    source: 'gateway',
    model: undefined,
    text,
    plain: text,
    ...more,
  }
}

const lines = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, place) => line(from + place))
const at_once = (tell: () => void) => {
  tell()
}
const numbers = (buffer: LogBuffer) => buffer.shown().map((each) => each.number)

describe('LogBuffer', () => {
  it('keeps the last lines and counts those that had to go', () => {
    const buffer = new LogBuffer(5, at_once)
    buffer.push(lines(1, 3))
    buffer.push(lines(4, 8), 2)
    expect(numbers(buffer)).toEqual([4, 5, 6, 7, 8])
    expect(buffer.counts).toEqual({ received: 8, dropped: 3, missed: 2, behind: 0 })
    expect(buffer.last).toBe(8)
  })

  it('leaves out lines that have come before', () => {
    const buffer = new LogBuffer(10, at_once)
    buffer.push(lines(1, 4))
    buffer.push(lines(3, 6))
    expect(numbers(buffer)).toEqual([1, 2, 3, 4, 5, 6])
    expect(buffer.counts.received).toBe(6)
  })

  it("takes many times its size, and a filter's lines go with the others", () => {
    const buffer = new LogBuffer(100, at_once)
    buffer.setFilter({ ...EVERYTHING, query: 'even' })
    for (let number = 1; number <= 1000; number += 1)
      buffer.push([line(number, { text: 'x', plain: number % 2 ? 'odd' : 'even' })])
    expect(buffer.length).toBe(50)
    expect(buffer.at(0)?.number).toBe(902)
    expect(buffer.at(49)?.number).toBe(1000)
    expect(buffer.at(50)).toBeUndefined()
  })

  it('holds what is shown while it is paused, filters it, and counts what comes', () => {
    const buffer = new LogBuffer(3, at_once)
    buffer.push([line(1), line(2, { level: 'error' }), line(3)])
    buffer.pause()
    buffer.push(lines(4, 10))
    expect(numbers(buffer)).toEqual([1, 2, 3])
    expect(buffer.counts.behind).toBe(7)
    buffer.setFilter({ ...EVERYTHING, level: 'error' })
    expect(numbers(buffer)).toEqual([2])
    buffer.setFilter(EVERYTHING)
    buffer.resume()
    expect(numbers(buffer)).toEqual([8, 9, 10])
    expect(buffer.counts).toMatchObject({ behind: 0, received: 10 })
  })

  it('filters by level and above, by source, by model, by words in any case', () => {
    const buffer = new LogBuffer(10, at_once)
    buffer.push([
      line(1, { level: 'debug', plain: 'started' }),
      line(2, { level: 'warning', source: 'worker', model: 'a', plain: 'Slow' }),
      line(3, { level: 'error', source: 'worker', model: 'b', plain: 'slow too' }),
    ])
    const found = (filter: Partial<typeof EVERYTHING>) => {
      buffer.setFilter({ ...EVERYTHING, ...filter })
      return numbers(buffer)
    }
    expect(found({ level: 'warning' })).toEqual([2, 3])
    expect(found({ source: 'gateway' })).toEqual([1])
    expect(found({ source: 'worker' })).toEqual([2, 3])
    expect(found({ source: 'model:b' })).toEqual([3])
    expect(found({ query: 'SLOW' })).toEqual([2, 3])
    expect(found({ query: 'slow', level: 'error' })).toEqual([3])
    expect(buffer.models).toEqual(['a', 'b'])
  })

  it('finds by a regular expression, and says what is wrong with a bad one without losing the lines', () => {
    const buffer = new LogBuffer(10, at_once)
    buffer.push([line(1), line(22), line(333)])
    buffer.setFilter({ ...EVERYTHING, query: '/line \\d{2,}$/' })
    expect(numbers(buffer)).toEqual([22, 333])
    buffer.setFilter({ ...EVERYTHING, query: '/line (/' })
    expect(buffer.error).toContain('(')
    expect(numbers(buffer)).toEqual([22, 333])
    buffer.setFilter({ ...EVERYTHING, query: '/LINE 1$/i' })
    expect(buffer.error).toBeUndefined()
    expect(numbers(buffer)).toEqual([1])
  })

  it('tells listeners once a scheduled moment', () => {
    const waiting: (() => void)[] = []
    const buffer = new LogBuffer(10, (tell) => waiting.push(tell))
    let told = 0
    const leave = buffer.subscribe(() => {
      told += 1
    })
    const before = buffer.changes()
    buffer.push([line(1)])
    buffer.push([line(2)])
    expect(waiting).toHaveLength(1)
    waiting.pop()?.()
    expect(told).toBe(1)
    expect(buffer.changes()).not.toBe(before)
    leave()
    buffer.push([line(3)])
    waiting.pop()?.()
    expect(told).toBe(1)
  })

  it('tells with the next frame where nothing else is said', async () => {
    const buffer = new LogBuffer(10)
    const told = new Promise<void>((done) => {
      buffer.subscribe(done)
    })
    buffer.push([line(1)])
    await told
    expect(buffer.length).toBe(1)
  })

  it('begins anew when it is cleared', () => {
    const buffer = new LogBuffer(10, at_once)
    buffer.push(lines(1, 5))
    buffer.pause()
    buffer.clear()
    expect(numbers(buffer)).toEqual([])
    expect(buffer.counts).toEqual({ received: 0, dropped: 0, missed: 0, behind: 0 })
  })
})

describe('lineOf', () => {
  const said = {
    number: 7,
    source: 'worker' as const,
    timestamp: '2026-01-02T03:04:05.678901Z',
    level: 'critical',
    message: '\u001b[31mout of memory\u001b[0m',
    model: 'tiny',
    tokens: 3,
    path: '/a b',
    exception: 'Trace:\n  x',
  }

  it('shows the message, then pairs, then a trace, and searches without colours', () => {
    const made = lineOf(said)
    expect(made.plain).toBe('out of memory  tokens=3  path=/a b\nTrace:\n  x')
    expect(made.text).toContain('\u001b[31m')
    expect(made).toMatchObject({ number: 7, level: 'error', source: 'worker', model: 'tiny' })
    expect(made.at).toMatch(/^\d\d:\d\d:05\.678$/)
    expect(written(made)).toBe(`${said.timestamp} error   tiny ${made.plain}`)
  })

  it('takes a line that says nothing', () => {
    expect(lineOf({ number: 1, source: 'gateway' })).toMatchObject({ plain: '', at: '', level: 'info' })
  })
})
