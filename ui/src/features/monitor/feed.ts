// The figures of the last hour, as they come: outside React, so that a second costs the charts and nothing else.
import { hub } from '@/realtime/hub'
import type { HubEvent, Reading } from '@/realtime/topics'
import { columnsOf } from './figures'
import { SeriesTable, type Table } from './series'

/** An hour at the most that the server tells, which is a little more often than once a second. */
export const CAPACITY = 4800
const GAP_AFTER = 3.5

type On = (topic: 'metrics', listener: (event: HubEvent) => void) => unknown

export class Feed {
  readonly #series = new SeriesTable({ capacity: CAPACITY, gapAfter: GAP_AFTER })
  readonly #listeners = new Set<() => void>()
  #latest: Reading | null = null
  #held: { reading: Reading | null; end: number | undefined } | undefined

  constructor(on: On) {
    on('metrics', (event) => {
      if (event.type !== 'resync') this.hear(event.data as Reading)
    })
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** The figures that are shown: the newest, or those at the pause. */
  readonly reading = (): Reading | null => (this.#held === undefined ? this.#latest : this.#held.reading)

  readonly isPaused = (): boolean => this.#held !== undefined

  /** Points that are kept. */
  get length(): number {
    return this.#series.length
  }

  /** The last `seconds` of what is shown, and where they end. */
  window(seconds: number, names: readonly string[]): Table & { readonly end: number } {
    const end = this.#held?.end ?? this.#series.lastTime ?? 0
    return { ...this.#series.window(seconds, names, end), end }
  }

  /** Why the newest figure of that name is none. */
  reason(name: string): string | undefined {
    return this.#series.reason(name)
  }

  hear(reading: Reading): void {
    this.#latest = reading
    this.#series.push(reading.at, columnsOf(reading))
    if (this.#held === undefined) this.#tell()
  }

  setPaused(paused: boolean): void {
    if (paused === this.isPaused()) return
    this.#held = paused ? { reading: this.#latest, end: this.#series.lastTime } : undefined
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}

export const feed = new Feed((topic, listener) => hub.on(topic, listener))
