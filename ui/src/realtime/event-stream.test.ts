import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ApiError } from '@/api/client'
import { EventStream, FIRST_WAIT, LONGEST_WAIT, SILENCE, type Link } from './event-stream'
import type { ServerEvent, SseOptions } from './sse-fetch'

/** A server whose connections the test holds. */
class Server {
  readonly asked: { lastId: string | null; say: (event: Partial<ServerEvent>) => void; end: (error?: Error) => void }[] = []

  open = (_path: string, options: SseOptions): AsyncGenerator<ServerEvent, void, undefined> => {
    const queue: (ServerEvent | Error | null)[] = []
    let wake: () => void = () => undefined
    const put = (one: ServerEvent | Error | null) => {
      queue.push(one)
      wake()
    }
    options.signal?.addEventListener('abort', () => put(new DOMException('aborted', 'AbortError')))
    const lastId = new Headers(options.headers).get('last-event-id')
    this.asked.push({
      lastId,
      say: (event) => put({ id: undefined, event: undefined, data: '', ...event }),
      end: (error) => put(error ?? null),
    })
    return (async function* () {
      for (;;) {
        const next = queue.shift()
        if (next === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        } else if (next === null) {
          return
        } else if (next instanceof Error) {
          throw next
        } else {
          options.onSign?.()
          yield next
        }
      }
    })()
  }
}

let server: Server
let links: Link[]
let refusal: boolean
let stream: EventStream

beforeEach(() => {
  vi.useFakeTimers()
  server = new Server()
  links = []
  refusal = false
  stream = new EventStream({
    url: () => '/events',
    onEvent: () => undefined,
    onLink: (link) => links.push(link),
    onRefused: () => refusal,
    open: server.open,
    random: () => 1,
  })
})

afterEach(() => {
  stream.close()
  vi.useRealTimers()
})

const last = () => {
  const found = server.asked.at(-1)
  if (found === undefined) throw new Error('nobody has asked')
  return found
}

test('goes on after the last event that was heard', async () => {
  stream.open()
  last().say({ id: '7' })
  await vi.advanceTimersByTimeAsync(0)
  last().end()
  await vi.advanceTimersByTimeAsync(FIRST_WAIT)
  expect(server.asked.map((one) => one.lastId)).toEqual([null, '7'])
  expect(links).toEqual(['live', 'lost'])
  last().say({})
  await vi.advanceTimersByTimeAsync(0)
  expect(links.at(-1)).toBe('live')
})

test('waits longer each time, and never longer than the longest', async () => {
  stream.open()
  const waits: number[] = []
  for (let round = 0; round < 6; round += 1) {
    const asked = server.asked.length
    last().end(new ApiError('busy', 503, 'starting', null, null))
    let waited = 0
    while (server.asked.length === asked) {
      await vi.advanceTimersByTimeAsync(100)
      waited += 100
    }
    waits.push(waited)
  }
  expect(waits).toEqual([FIRST_WAIT, 1000, 2000, LONGEST_WAIT, LONGEST_WAIT, LONGEST_WAIT])
})

test('silence counts as a loss', async () => {
  stream.open()
  last().say({})
  await vi.advanceTimersByTimeAsync(SILENCE + FIRST_WAIT)
  expect(links).toEqual(['live', 'lost'])
  expect(server.asked).toHaveLength(2)
})

test('a refusal that can be mended is tried again at once', async () => {
  refusal = true
  stream.open()
  last().end(new ApiError('no', 403, 'forbidden', null, null))
  await vi.advanceTimersByTimeAsync(1)
  expect(server.asked).toHaveLength(2)
  expect(links).not.toContain('lost')
})

test('paused it asks nobody, opened it goes on where it was', async () => {
  stream.open()
  last().say({ id: '3' })
  await vi.advanceTimersByTimeAsync(0)
  stream.pause()
  await vi.advanceTimersByTimeAsync(10 * SILENCE)
  expect(server.asked).toHaveLength(1)
  stream.open()
  expect(last().lastId).toBe('3')
  expect(links).toEqual(['live', 'paused', 'connecting'])
})

test('restarted it asks from the beginning, and is not lost meanwhile', async () => {
  stream.open()
  last().say({ id: '3' })
  await vi.advanceTimersByTimeAsync(0)
  stream.restart()
  await vi.advanceTimersByTimeAsync(0)
  expect(last().lastId).toBeNull()
  expect(links).toEqual(['live'])
})
