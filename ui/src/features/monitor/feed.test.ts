import { describe, expect, it } from 'vitest'
import type { HubEvent, Reading } from '@/realtime/topics'
import { CAPACITY, Feed } from './feed'
import { chartsOf, columnsOf, vramByProcess } from './figures'

const GPU = {
  id: '0',
  vendor: 'nvidia',
  name: 'A GPU',
  source: 'NVML',
  busy: { unknown: 'the driver does not say' },
  vram_used: 4,
  vram_total: 16,
  power: 100,
  temperature: 50,
  shares: false,
} as const

function reading(at: number, more: Partial<Reading['machine']> = {}): Reading {
  return {
    at,
    model: null,
    ready: true,
    capture: false,
    queue_length: 0,
    requests: { running: 1, waiting: 2, total: 3, failed: 0 },
    slots: { busy: 0, total: 0 },
    tokens: { prompt: 0, cached: 0, generated: 0 },
    tokens_per_second: { prompt: 10, generated: 60 },
    seconds: { duration: null, first_token: null, inter_token: null, queue: null },
    memory: { budget: 0, reserved: 0, used: 0 },
    kv_store: { bytes: 0, files: 0, limit: 0 },
    machine: { cpu: 12, cpus: 2, memory_total: 200, memory_used: 50, processes: [], gpus: [], ...more },
    models: [],
  }
}

function fed(): { feed: Feed; tell: (event: HubEvent) => void } {
  let heard: (event: HubEvent) => void = () => undefined
  const feed = new Feed((_topic, listener) => {
    heard = listener
  })
  return { feed, tell: (event) => heard(event) }
}

describe('Feed', () => {
  it('keeps what is unknown of a GPU unknown, and never takes its memory for how busy it is', () => {
    const { feed, tell } = fed()
    tell({ seq: 1, topic: 'metrics', type: 'snapshot', data: reading(1, { gpus: [GPU] }) })
    tell({ seq: 2, topic: 'metrics', type: 'resync', data: {} })
    expect(feed.window(60, ['busy:0', 'vram:0', 'ram']).columns).toEqual([[null], [4], [25]])
    expect(feed.reason('busy:0')).toBe('the driver does not say')
  })

  it('is capped however long it is fed', () => {
    const { feed } = fed()
    for (let at = 0; at < CAPACITY * 2; at += 1) feed.hear(reading(at))
    expect(feed.length).toBe(CAPACITY)
    expect(feed.window(300, ['cpu']).times).toHaveLength(301)
  })

  it('shows at a pause what was, and goes on being fed', () => {
    const { feed } = fed()
    let told = 0
    feed.subscribe(() => {
      told += 1
    })
    feed.hear(reading(1))
    feed.setPaused(true)
    feed.hear(reading(2))
    expect(told).toBe(2)
    expect(feed.reading()?.at).toBe(1)
    expect(feed.window(60, ['cpu'])).toMatchObject({ times: [1], end: 1 })
    feed.setPaused(false)
    expect(feed.reading()?.at).toBe(2)
    expect(feed.window(60, ['cpu']).times).toEqual([1, 2])
  })
})

describe('figures', () => {
  it('passes on why a share is unknown', () => {
    expect(columnsOf(reading(1, { memory_total: { unknown: 'no' } }))['ram']).toEqual({ unknown: 'no' })
  })

  it('has charts of GPUs also where there is none, and of warmth only where it is told', () => {
    expect(chartsOf(reading(1)).map(({ key }) => key)).toEqual(['busy', 'vram', 'speed', 'machine', 'requests'])
    const charts = chartsOf(reading(1, { gpus: [GPU, { ...GPU, id: '1' }] }))
    expect(charts.at(-1)?.key).toBe('heat')
    expect(charts[0]?.lines.map(({ name }) => name)).toEqual(['busy:0', 'busy:1'])
    expect(charts[1]?.most).toBe(16)
  })

  it('lists whose GPU memory is known, the most first', () => {
    const process = { name: 'gateway', cpu: 1, memory: 1, vram: { unknown: 'no' } } as const
    const processes = [process, { ...process, name: 'a', vram: 1 }, { ...process, name: 'b', vram: 5 }]
    expect(vramByProcess(reading(1, { processes })).map(({ name }) => name)).toEqual(['b', 'a'])
  })
})
