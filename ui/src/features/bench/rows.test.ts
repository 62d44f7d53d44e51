import { describe, expect, it } from 'vitest'

import {
  best,
  columnsOf,
  delta,
  rowsOf,
  sorted,
  type Benchmark,
  type Column,
  type ModelResult,
  type Row,
  type Spread,
} from './rows'
import { linear, ticks } from './scale'

const spread = (median: number): Spread => ({
  median,
  min: median * 0.9,
  max: median * 1.1,
  sd: median / 100,
  count: 3,
})

function model(
  name: string,
  speeds: Record<string, [decode: number, ttft: number]>,
  more: Partial<ModelResult> = {},
): ModelResult {
  const cells = Object.entries(speeds).map(([prompt, [decode, ttft]]) => ({
    cell: { prompt: Number(prompt), gen: 128, streams: 1 },
    prefill: spread(decode * 10),
    decode: spread(decode),
    stream_decode: spread(decode),
    ttft: spread(ttft),
    ttft_p95: ttft,
    gap_p95: null,
    seconds: spread(1),
    input_tokens: Number(prompt),
    output_tokens: 128,
    peak: { ram: 100, vram: null, vram_reason: 'no GPU is here' },
  }))
  return {
    model: name,
    format: 'gguf',
    quantisation: name.toUpperCase(),
    size: 1000,
    parameters: 10,
    reserved: 0,
    context: 2048,
    slots: 1,
    load: spread(1),
    with_load: spread(2),
    peak: { ram: 100, vram: null, vram_reason: 'no GPU is here' },
    cells,
    quality: null,
    failed: null,
    disturbed: 0,
    ...more,
  }
}

function benchmark(...models: ModelResult[]): Benchmark {
  return {
    id: 'b1',
    plan: { models: models.map((each) => each.model) },
    setup: { system: '', processor: '', cores: 2, memory: 1, gpus: [], versions: [] },
    began: 0,
    models,
  }
}

const three = benchmark(
  model('q3', { 512: [100, 0.5], 4096: [50, 2] }, { size: 300 }),
  model('q4', { 512: [80, 0.4], 4096: [60, 3] }, { size: 400 }),
  model(
    'q5',
    {},
    { size: 500, failed: 'load: needs 9 GiB', load: null, peak: { ram: null, vram: null, vram_reason: null } },
  ),
)
const rows = rowsOf(three)
const column = (name: string) => columnsOf(rows).find((each) => each.name === name) as Column
const row = (place: number) => rows[place] as Row

describe('rowsOf', () => {
  it('has a row for each model and cell, and one for a model that failed', () => {
    expect(rows.map((row) => row.key)).toEqual(['q3 512/128/1', 'q3 4096/128/1', 'q4 512/128/1', 'q4 4096/128/1', 'q5'])
    expect(rows.at(-1)?.model.failed).toBe('load: needs 9 GiB')
    expect(rowsOf({ ...three, models: undefined })).toEqual([])
  })

  it('shows no columns of which nothing is known', () => {
    expect(columnsOf(rows).map((each) => each.name)).toEqual(['size', 'load', 'decode', 'prefill', 'ttft', 'ram'])
  })
})

describe('best', () => {
  it('is found among rows of the same cell, more or less as the figure wants', () => {
    const found = best(rows, [column('decode'), column('ttft'), column('size')])
    expect([...found].sort()).toEqual(
      [
        'q3 512/128/1/decode',
        'q4 4096/128/1/decode',
        'q4 512/128/1/ttft',
        'q3 4096/128/1/ttft',
        'q3 512/128/1/size',
        'q3 4096/128/1/size',
      ].sort(),
    )
  })

  it('is nobody where all are equal or one is alone', () => {
    expect(best(rows, [column('ram'), column('load')]).size).toBe(0)
    expect(best(rows.slice(0, 1), columnsOf(rows)).size).toBe(0)
  })
})

describe('delta', () => {
  it('is against the first model at the same cell', () => {
    expect(delta(row(2), rows, column('decode'))).toBeCloseTo(-0.2)
    expect(delta(row(3), rows, column('decode'))).toBeCloseTo(0.2)
    expect(delta(row(0), rows, column('decode'))).toBeNull()
    expect(delta(row(4), rows, column('decode'))).toBeNull()
  })

  it('is against the same model of another benchmark where one is given', () => {
    const before = benchmark(model('q4', { 512: [40, 1] }), model('q3', { 512: [0, 1] }))
    expect(delta(row(2), rows, column('decode'), before)).toBeCloseTo(1)
    expect(delta(row(3), rows, column('decode'), before)).toBeNull()
    expect(delta(row(0), rows, column('decode'), before)).toBeNull()
  })
})

describe('sorted', () => {
  const names = (order: Parameters<typeof sorted>[1]) => sorted(rows, order).map((row) => row.key.split('/')[0])

  it('puts what has no number last, whichever way', () => {
    expect(names({ by: 'decode', descending: true })).toEqual(['q3 512', 'q4 512', 'q4 4096', 'q3 4096', 'q5'])
    expect(names({ by: 'decode', descending: false })).toEqual(['q3 4096', 'q4 4096', 'q4 512', 'q3 512', 'q5'])
  })

  it('orders by name, then by prompt', () => {
    expect(names({ by: 'model', descending: true })).toEqual(['q5', 'q4 4096', 'q4 512', 'q3 4096', 'q3 512'])
  })
})

describe('scale', () => {
  it.each([
    [97, [0, 20, 40, 60, 80, 100]],
    [100, [0, 20, 40, 60, 80, 100]],
    [0.7, [0, 0.2, 0.4, 0.6, 0.8]],
    [1300, [0, 500, 1000, 1500]],
    [0, [0, 1]],
  ])('has round numbers up to %s', (most, wanted) => {
    expect(ticks(most)).toEqual(wanted)
  })

  it('begins at 0', () => {
    const place = linear(100, 10, 210)
    expect([place(0), place(50), place(100)]).toEqual([10, 110, 210])
    expect(linear(0, 10, 20)(5)).toBe(10)
  })
})
