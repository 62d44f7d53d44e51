import { describe, expect, it, vi } from 'vitest'
import { ApiError } from '@/api/client'
import type { Timer } from './flush'
import { type RunEvent, type RunView, STARTING, withRun } from './run-events'
import { RunStore, type Source } from './run-store'
import type { Message } from './types'

const NAME = { runId: 'r', chatId: 'c', messageId: 'm' }
/** Nothing waits: what is asked for is drawn, and what is cut is tried again, at once. */
let time = 0
const AT_ONCE: Timer = {
  now: () => (time += 1000),
  after: (_ms, then) => {
    queueMicrotask(then)
    return () => undefined
  },
}

function message(text: string, changes: Partial<Message> = {}): Message {
  return {
    id: 'm',
    parent_id: null,
    role: 'assistant',
    parts: [{ type: 'text', text }],
    model: 'tiny',
    params: null,
    usage: null,
    timings: null,
    finish_reason: 'stop',
    status: 'complete',
    error: null,
    run_id: 'r',
    created_at: 0,
    ...changes,
  }
}

const TEXT = '그래서 **one** two three.'

/** A run on a server: every character is an event, the last says that it is done. */
function events(): RunEvent[] {
  const deltas = [...TEXT].map((char, index): RunEvent => ({ seq: index + 1, type: 'delta', part: 0, kind: 'text', text: char }))
  return [...deltas, { seq: deltas.length + 1, type: 'done', message: message(TEXT) }]
}

function replay(told: readonly RunEvent[], cuts: (connection: number) => number, log: number[] = []): Source {
  let connection = 0
  return async function* (_run, seq) {
    log.push(seq)
    const most = cuts(connection++)
    let sent = 0
    // A server may send again what the client has: a buffer that is replayed from its start.
    for (const event of told.filter((one) => one.seq > seq - 3)) {
      if (sent++ >= most) throw new TypeError('network')
      yield await Promise.resolve(event)
    }
  }
}

function ended(store: RunStore): Promise<RunView> {
  return new Promise((done) => {
    const off = store.onEnd((view) => {
      off()
      done(view)
    })
  })
}

function textOf(view: RunView | undefined): string {
  return (view?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('')
}

describe('RunStore', () => {
  it('has the whole text once, wherever the connection is cut', async () => {
    for (let cut = 4; cut < events().length; cut++) {
      const store = new RunStore(replay(events(), (connection) => (connection < 3 ? cut : 1000)), AT_ONCE)
      const done = ended(store)
      store.follow(NAME)
      await done
      expect(textOf(store.view('m')), `cut after ${cut}`).toBe(TEXT)
      expect(store.view('m')?.status).toBe('complete')
    }
  })

  it('goes on behind what it has heard', async () => {
    const log: number[] = []
    const store = new RunStore(replay(events(), (connection) => (connection === 0 ? 5 : 1000), log), AT_ONCE)
    const done = ended(store)
    store.follow(NAME)
    await done
    expect(log).toEqual([0, 5])
  })

  it('tells the message that is written, and no other', async () => {
    const store = new RunStore(replay(events(), () => 1000), AT_ONCE)
    const [own, other] = [vi.fn(), vi.fn()]
    store.subscribe('m', own)
    store.subscribe('n', other)
    const done = ended(store)
    store.follow(NAME)
    await done
    expect(own).toHaveBeenCalled()
    expect(other).not.toHaveBeenCalled()
  })

  it('keeps the same view while nothing is drawn', () => {
    const store = new RunStore(async function* () {}, { now: () => 0, after: () => () => undefined })
    store.follow(NAME)
    expect(store.view('m')).toBe(store.view('m'))
  })

  it('ends where the server knows no such run', async () => {
    const store = new RunStore(async function* () {
      yield* []
      throw new ApiError('gone', 404, 'run_not_found', null, null)
    }, AT_ONCE)
    const done = ended(store)
    store.follow(NAME)
    expect((await done).status).toBe('streaming')
  })

  it('lets go when nobody follows, and takes up again', async () => {
    let open = 0
    const source: Source = async function* (_run, seq, signal) {
      open++
      try {
        yield { seq: seq + 1, type: 'delta', part: 0, kind: 'text', text: 'x' }
        await new Promise((done) => signal.addEventListener('abort', done))
      } finally {
        open--
      }
    }
    const store = new RunStore(source, AT_ONCE)
    const leave = store.follow(NAME)
    await vi.waitFor(() => expect(textOf(store.view('m'))).toBe('x'))
    store.pause(true)
    await vi.waitFor(() => expect(open).toBe(0))
    store.pause(false)
    await vi.waitFor(() => expect(textOf(store.view('m'))).toBe('xx'))
    expect(open).toBe(1)
    leave()
    await vi.waitFor(() => expect(open).toBe(0))
  })

  it('puts reasoning, text and calls in their order, arguments piece by piece', async () => {
    const told: RunEvent[] = [
      { ...STARTING, seq: 1, type: 'phase', phase: 'queued', position: 2, wait: 3 },
      { seq: 2, type: 'delta', part: 0, kind: 'reasoning', text: 'hm' },
      { seq: 3, type: 'delta', part: 1, kind: 'text', text: 'a' },
      { seq: 4, type: 'tool_call', part: 2, id: 't', name: 'f', arguments: '{"x"' },
      { seq: 5, type: 'tool_call', part: 2, id: 't', name: 'f', arguments: ':1}' },
      { seq: 6, type: 'tool_call', part: 3, id: 'u', name: 'g', arguments: '{}' },
    ]
    const store = new RunStore(async function* (_run, _seq, signal) {
      yield* told
      await new Promise((done) => signal.addEventListener('abort', done))
    }, AT_ONCE)
    const leave = store.follow(NAME)
    await vi.waitFor(() => expect(store.view('m')?.seq).toBe(6))
    expect(store.view('m')?.parts).toEqual([
      { type: 'reasoning', text: 'hm', seconds: null },
      { type: 'text', text: 'a' },
      { type: 'tool_call', id: 't', name: 'f', arguments: '{"x":1}' },
      { type: 'tool_call', id: 'u', name: 'g', arguments: '{}' },
    ])
    leave()
  })

  it('begins with the message so far, and with it again where too much was missed', async () => {
    const told: RunEvent[] = [
      { seq: 7, type: 'snapshot', message: message('one two', { status: 'streaming' }), phase: { ...STARTING, type: 'phase', phase: 'answering' } },
      { seq: 8, type: 'delta', part: 0, kind: 'text', text: ' three' },
      { seq: 90, type: 'snapshot', message: message('one two three four', { status: 'streaming' }), phase: null },
      { seq: 91, type: 'delta', part: 0, kind: 'text', text: ' five' },
    ]
    const store = new RunStore(async function* (_run, _seq, signal) {
      yield* told
      await new Promise((done) => signal.addEventListener('abort', done))
    }, AT_ONCE)
    const leave = store.follow(NAME)
    await vi.waitFor(() => expect(store.view('m')?.seq).toBe(91))
    expect(textOf(store.view('m'))).toBe('one two three four five')
    expect(store.view('m')?.phase.phase).toBe('answering')
    leave()
  })

  it('leaves nothing with its signal after each try', async () => {
    let listening = 0
    const seen = new Set<AbortSignal>()
    const source: Source = async function* (_run, _seq, signal) {
      yield* []
      if (!seen.has(signal)) {
        const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
        signal.addEventListener = (...given: Parameters<typeof add>) => (listening++, add(...given))
        signal.removeEventListener = (...given: Parameters<typeof remove>) => (listening--, remove(...given))
        seen.add(signal)
      }
      if (++tries === 20) leave()
      throw new TypeError('network')
    }
    let tries = 0
    const store = new RunStore(source, AT_ONCE)
    const leave = store.follow(NAME)
    await vi.waitFor(() => expect(tries).toBe(20))
    expect(seen.size).toBe(1)
    expect(listening).toBe(0)
  })

  it('shows what is heard of a message only while that is written', async () => {
    const writing = message('old', { status: 'streaming' })
    const store = new RunStore(async function* (_run, _seq, signal) {
      yield { seq: 1, type: 'delta', part: 0, kind: 'text', text: 'half' }
      await new Promise((done) => signal.addEventListener('abort', done))
    }, AT_ONCE)
    const leave = store.follow(NAME)
    await vi.waitFor(() => expect(store.view('m')?.seq).toBe(1))
    // Nobody hears the run to its end: another page is open, or the tab is not looked at.
    leave()
    const view = store.view('m')
    expect(withRun(writing, view).parts).toEqual([{ type: 'text', text: 'half' }])
    const whole = message('half and half')
    expect(withRun(whole, view)).toBe(whole)
    const another = message('old', { status: 'streaming', run_id: 'r2' })
    expect(withRun(another, view)).toBe(another)
  })

  it('gives the message back to the conversation', async () => {
    const store = new RunStore(replay(events(), () => 1000), AT_ONCE)
    const done = ended(store)
    const leave = store.follow(NAME)
    await done
    expect(withRun(message('old', { status: 'streaming' }), store.view('m'))).toEqual(message(TEXT))
    leave()
    store.release('m')
    expect(store.view('m')).toBeUndefined()
  })
})
