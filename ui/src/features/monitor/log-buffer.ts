import { compile, EVERYTHING, type Line, type LogFilter, type Test } from './log-filter'
import { Tail } from './tail'

export const MOST_LINES = 100_000

export interface LogCounts {
  /** Lines that have come since the page began to listen. */
  readonly received: number
  /** Of those, the ones that had to go for newer ones. */
  readonly dropped: number
  /** Lines that the server had no longer when it was their turn. */
  readonly missed: number
  /** Lines that have come since the pause; 0 when there is none. */
  readonly behind: number
}

/**
 * The last log lines, and those of them that a filter lets through.
 *
 * A pause holds what is shown as it is, with all that it held, while lines go on being kept and counted. Listeners are
 * told once a `schedule`d moment, however many lines come.
 */
export class LogBuffer {
  readonly #most: number
  readonly #schedule: (tell: () => void) => void
  readonly #lines: Tail<Line>
  readonly #listeners = new Set<() => void>()
  readonly #named = new Set<string>()
  #matched: Tail<Line>
  #held: readonly Line[] | undefined
  #heldAt = 0
  #received = 0
  #missed = 0
  #test: Test = () => true
  #asked: LogFilter = EVERYTHING
  #wrong: string | undefined
  #version = 0
  #scheduled = false
  #gone = 0

  constructor(most = MOST_LINES, schedule: (tell: () => void) => void = (tell) => void requestAnimationFrame(tell)) {
    this.#most = most
    this.#schedule = schedule
    this.#lines = new Tail(most)
    this.#matched = new Tail(most)
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** Another number after each change. */
  readonly changes = (): number => this.#version

  get counts(): LogCounts {
    return {
      received: this.#received,
      dropped: this.#received - this.#lines.length,
      missed: this.#missed,
      behind: this.#held === undefined ? 0 : this.#received - this.#heldAt,
    }
  }

  get filter(): LogFilter {
    return this.#asked
  }

  /** What is wrong with the filter's regular expression; the lines shown are then those of the filter before. */
  get error(): string | undefined {
    return this.#wrong
  }

  get paused(): boolean {
    return this.#held !== undefined
  }

  get length(): number {
    return this.#matched.length
  }

  /** How many lines have gone from the beginning of what is shown, so that a reader's place can go up with them. */
  get gone(): number {
    return this.#gone
  }

  /** The models that lines have come of, in the order of their names. */
  get models(): string[] {
    return [...this.#named].sort()
  }

  /** The number of the last line that has come, for the server to go on from. */
  get last(): number | undefined {
    return this.#lines.at(this.#lines.length - 1)?.number
  }

  at(place: number): Line | undefined {
    return this.#matched.at(place)
  }

  shown(): Line[] {
    return this.#matched.all()
  }

  /** Adds lines behind the last; one that has come before is left out. `missed` came between them and are lost. */
  push(lines: readonly Line[], missed = 0): void {
    const after = this.last ?? -1
    this.#missed += missed
    for (const line of lines) {
      if (line.number <= after) continue
      this.#received += 1
      this.#lines.push(line)
      if (line.model !== undefined) this.#named.add(line.model)
      if (this.#held === undefined && this.#test(line)) this.#matched.push(line)
    }
    if (this.#held === undefined) this.#forget()
    this.#changed()
  }

  setFilter(filter: LogFilter): void {
    this.#asked = filter
    const compiled = compile(filter)
    this.#wrong = 'error' in compiled ? compiled.error : undefined
    if ('test' in compiled) {
      this.#test = compiled.test
      this.#match()
    }
    this.#changed()
  }

  pause(): void {
    if (this.#held !== undefined) return
    this.#held = this.#lines.all()
    this.#heldAt = this.#received
    this.#changed()
  }

  resume(): void {
    if (this.#held === undefined) return
    this.#held = undefined
    this.#match()
    this.#changed()
  }

  clear(): void {
    this.#lines.clear()
    this.#held = this.#held === undefined ? undefined : []
    this.#received = this.#missed = this.#heldAt = 0
    this.#match()
    this.#changed()
  }

  #match(): void {
    this.#matched = new Tail(this.#most)
    for (const line of this.#held ?? this.#lines.all()) if (this.#test(line)) this.#matched.push(line)
  }

  /** Takes from what is shown the lines that are kept no longer. */
  #forget(): void {
    const oldest = this.#lines.at(0)?.number ?? 0
    while (this.#matched.length > 0 && (this.#matched.at(0) as Line).number < oldest) {
      this.#matched.shift()
      this.#gone += 1
    }
  }

  #changed(): void {
    this.#version += 1
    if (this.#scheduled) return
    this.#scheduled = true
    this.#schedule(() => {
      this.#scheduled = false
      for (const listener of this.#listeners) listener()
    })
  }
}
