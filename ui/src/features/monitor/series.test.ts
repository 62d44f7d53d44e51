import { describe, expect, it } from 'vitest'

import { downsample } from './downsample'
import { SeriesTable } from './series'

const table = (capacity = 100, gapAfter = 3) => new SeriesTable({ capacity, gapAfter })

describe('SeriesTable', () => {
  it('keeps what is unknown as a gap with its reason, never as 0 or the figure before', () => {
    const series = table()
    series.push(1, { busy: 50 })
    series.push(2, { busy: { unknown: 'the driver does not say' } })
    expect(series.window(60, ['busy'])).toEqual({ times: [1, 2], columns: [[50, null]] })
    expect(series.last('busy')).toBeNull()
    expect(series.reason('busy')).toBe('the driver does not say')
    series.push(3, { busy: 0 })
    expect(series.last('busy')).toBe(0)
    expect(series.reason('busy')).toBeUndefined()
  })

  it('keeps several that begin at once, whether known or not', () => {
    const series = table()
    series.push(1, { a: { unknown: 'no' }, b: 2, c: 3 })
    expect(series.window(60, ['a', 'b', 'c']).columns).toEqual([[null], [2], [3]])
    expect(series.reason('a')).toBe('no')
  })

  it('keeps a silence as a gap', () => {
    const series = table()
    series.push(1, { cpu: 1 })
    series.push(2, { cpu: 2 })
    series.push(10, { cpu: 3 })
    expect(series.window(60, ['cpu'])).toEqual({ times: [1, 2, 6, 10], columns: [[1, 2, null, 3]] })
  })

  it('has gaps for a name before it came and after it went', () => {
    const series = table()
    series.push(1, { a: 1 })
    series.push(2, { a: 2, b: 20 })
    series.push(3, { b: 30 })
    expect(series.names).toEqual(['a', 'b'])
    expect(series.window(60, ['a', 'b', 'never']).columns).toEqual([
      [1, 2, null],
      [null, 20, 30],
      [null, null, null],
    ])
  })

  it('is capped, and forgets names of which nothing is left', () => {
    const series = table(10, 1e9)
    for (let at = 1; at <= 1000; at += 1) series.push(at, { [`model-${Math.floor(at / 20)}`]: at })
    expect(series.length).toBe(10)
    expect(series.window(1e9, ['model-50']).times).toHaveLength(10)
    expect(series.names.length).toBeLessThanOrEqual(3)
  })

  it('leaves out a row that is not newer', () => {
    const series = table()
    series.push(5, { a: 1 })
    series.push(5, { a: 2 })
    series.push(4, { a: 3 })
    expect(series.window(60, ['a'])).toEqual({ times: [5], columns: [[1]] })
  })

  it('shows the seconds that are asked for, also around the end of its memory', () => {
    const series = table(8, 1e9)
    for (let at = 1; at <= 20; at += 1) series.push(at, { a: at })
    expect(series.window(3, ['a']).times).toEqual([17, 18, 19, 20])
    expect(series.window(100, ['a']).times).toEqual([13, 14, 15, 16, 17, 18, 19, 20])
  })
})

describe('downsample', () => {
  const times = Array.from({ length: 1000 }, (_, place) => place)

  it('leaves a short table as it is', () => {
    const short = { times: [1, 2], columns: [[1, 2]] }
    expect(downsample(short, 10)).toBe(short)
  })

  it('keeps a peak and a trough of one row', () => {
    const values = times.map((at) => (at === 333 ? 900 : at === 777 ? -5 : 10))
    const small = downsample({ times, columns: [values] }, 100)
    expect(small.times).toHaveLength(100)
    expect(small.columns[0]).toHaveLength(100)
    expect(Math.max(...(small.columns[0] as number[]))).toBe(900)
    expect(Math.min(...(small.columns[0] as number[]))).toBe(-5)
    expect(small.times).toEqual([...small.times].sort((a, b) => a - b))
  })

  it('keeps a gap of one row, and a stretch of nothing', () => {
    const one = times.map((at) => (at === 500 ? null : at))
    const none = times.map(() => null)
    const small = downsample({ times, columns: [one, none] }, 100)
    expect(small.columns[0]?.filter((value) => value === null)).toHaveLength(1)
    expect(small.columns[1]?.every((value) => value === null)).toBe(true)
  })
})
