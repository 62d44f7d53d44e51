/**
 * The answers that are being written, beside React: each message's drawing is told of its own run alone.
 *
 * A run lives on the server. Here is one connection to the run that is looked at; when it is cut it is taken up again
 * behind the last event that was heard, so that nothing is missing and nothing comes twice.
 */
import { ApiError } from '@/api/client'
import { BROWSER_TIMER, Flush, type Timer } from './flush'
import { after, begun, type RunEvent, type RunName, type RunView } from './run-events'
import type { Part } from './types'

/** The events of a run behind number `seq`; ends when the run has, throws ApiError when it cannot be had. */
export type Source = (runId: string, seq: number, signal: AbortSignal) => AsyncIterable<RunEvent>

const FIRST_RETRY = 500
const LAST_RETRY = 5000
/** Views of runs that have ended are kept for their drawings, of this many runs. */
const KEPT = 50

interface Entry {
  /** What has been heard; `drawn` is what is shown of it. */
  heard: RunView
  drawn: RunView
  readonly flush: Flush
  connection: AbortController | null
  followers: number
  readonly listeners: Set<() => void>
}

export type Ended = (view: RunView) => void

export class RunStore {
  readonly #source: Source
  readonly #timer: Timer
  readonly #entries = new Map<string, Entry>()
  readonly #waiting = new Map<string, Set<() => void>>()
  readonly #ended = new Set<Ended>()
  #isPaused = false

  constructor(source: Source, timer: Timer = BROWSER_TIMER) {
    this.#source = source
    this.#timer = timer
  }

  /** The run that writes, or has just written, a message. */
  readonly view = (messageId: string): RunView | undefined => this.#entries.get(messageId)?.drawn

  /** Tells of changes to one message's run, also one that begins later. */
  readonly subscribe = (messageId: string, listener: () => void): (() => void) => {
    const entry = this.#entries.get(messageId)
    const among = entry?.listeners ?? this.#waiting.get(messageId) ?? new Set()
    among.add(listener)
    if (entry === undefined) this.#waiting.set(messageId, among)
    return () => {
      among.delete(listener)
      if (among.size === 0 && this.#waiting.get(messageId) === among) this.#waiting.delete(messageId)
    }
  }

  /** Tells of runs that have ended, whatever became of them. */
  readonly onEnd = (listener: Ended): (() => void) => {
    this.#ended.add(listener)
    return () => this.#ended.delete(listener)
  }

  /** Listens to a run until the answer is called; the run itself goes on. `parts` is what it goes on with. */
  follow(name: RunName, parts: readonly Part[] = []): () => void {
    const entry = this.#entryOf(name, parts)
    entry.followers++
    if (entry.followers === 1) this.#connect(entry)
    let isFollowing = true
    return () => {
      if (!isFollowing) return
      isFollowing = false
      entry.followers--
      if (entry.followers === 0) this.#disconnect(entry)
    }
  }

  /** Lets all connections go, as a tab does that nobody looks at, and takes them up again. */
  pause(isPaused: boolean): void {
    if (this.#isPaused === isPaused) return
    this.#isPaused = isPaused
    for (const entry of this.#entries.values()) {
      if (isPaused) this.#disconnect(entry)
      else if (entry.followers > 0) this.#connect(entry)
    }
  }

  #entryOf(name: RunName, parts: readonly Part[]): Entry {
    const before = this.#entries.get(name.messageId)
    if (before?.heard.runId === name.runId) return before
    if (before !== undefined) this.#disconnect(before)
    const view = begun(name, parts)
    const listeners = before?.listeners ?? this.#waiting.get(name.messageId) ?? new Set<() => void>()
    this.#waiting.delete(name.messageId)
    const entry: Entry = { heard: view, drawn: view, flush: new Flush(() => draw(entry), this.#timer), connection: null, followers: 0, listeners }
    this.#entries.delete(name.messageId)
    this.#entries.set(name.messageId, entry)
    this.#forget()
    draw(entry, true)
    return entry
  }

  #forget(): void {
    for (const [id, entry] of this.#entries) {
      if (this.#entries.size <= KEPT) return
      if (entry.followers === 0 && entry.listeners.size === 0) this.#entries.delete(id)
    }
  }

  #connect(entry: Entry): void {
    if (this.#isPaused || entry.connection !== null || entry.heard.status !== 'streaming') return
    const connection = new AbortController()
    entry.connection = connection
    void this.#listen(entry, connection.signal).finally(() => {
      if (entry.connection === connection) entry.connection = null
    })
  }

  #disconnect(entry: Entry): void {
    entry.connection?.abort()
    entry.connection = null
  }

  /** Hears a run to its end, over as many connections as it takes. */
  async #listen(entry: Entry, signal: AbortSignal): Promise<void> {
    for (let wait = FIRST_RETRY; !signal.aborted; wait = Math.min(wait * 2, LAST_RETRY)) {
      const before = entry.heard.seq
      try {
        for await (const event of this.#source(entry.heard.runId, entry.heard.seq, signal)) {
          if (signal.aborted) return
          this.#hear(entry, event)
        }
      } catch (failure) {
        if (signal.aborted) return
        if (isFinal(failure)) return this.#end(entry)
      }
      if (entry.heard.status !== 'streaming') return this.#end(entry)
      if (entry.heard.seq > before) wait = FIRST_RETRY
      this.#cut(entry, true)
      await this.#pause(wait, signal)
    }
  }

  #hear(entry: Entry, event: RunEvent): void {
    const next = after(entry.heard, event)
    if (next === entry.heard) return
    entry.heard = next.isCut ? { ...next, isCut: false } : next
    // The reader waits for these: the first word, another phase, the end.
    if (event.type === 'done' || event.type === 'phase') entry.flush.now()
    else entry.flush.ask()
  }

  #cut(entry: Entry, isCut: boolean): void {
    if (entry.heard.isCut === isCut) return
    entry.heard = { ...entry.heard, isCut }
    entry.flush.now()
  }

  /** The run is over, or the server does not know it any more: what the conversation says is the truth. */
  #end(entry: Entry): void {
    entry.flush.now()
    for (const listener of this.#ended) listener(entry.heard)
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        callOff()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const callOff = this.#timer.after(ms, done)
      signal.addEventListener('abort', done)
    })
  }

  /** Takes the run's drawing back to what the conversation has, once that is newer. */
  release(messageId: string): void {
    const entry = this.#entries.get(messageId)
    if (entry === undefined || entry.followers > 0) return
    this.#entries.delete(messageId)
    if (entry.listeners.size > 0) this.#waiting.set(messageId, entry.listeners)
    for (const listener of entry.listeners) listener()
  }
}

function draw(entry: Entry, isFirst = false): void {
  if (entry.drawn === entry.heard && !isFirst) return
  entry.drawn = entry.heard
  for (const listener of entry.listeners) listener()
}

/** A refusal that another try does not change; behind a login one does. */
function isFinal(failure: unknown): boolean {
  return failure instanceof ApiError && failure.status >= 400 && failure.status < 500 && ![401, 408, 429].includes(failure.status)
}
