// A stream of events that comes back by itself: backoff with jitter, a watchdog for silence, and a pause for hidden tabs.
import { ApiError } from '@/api/client'
import { sse, type ServerEvent, type SseOptions } from './sse-fetch'

/** `paused`: closed on purpose while nobody looks. */
export type Link = 'connecting' | 'live' | 'lost' | 'paused'

export interface StreamOptions {
  /** The address to ask now; it may change between two tries. */
  url: () => string
  onEvent: (event: ServerEvent) => void
  onLink: (link: Link) => void
  /** The server refuses with 401 or 403: whether to try again at once. */
  onRefused: (error: ApiError) => boolean
  open?: (path: string, options: SseOptions) => AsyncGenerator<ServerEvent, void, undefined>
  random?: () => number
}

export const FIRST_WAIT = 500
/** No longer than this between two tries, so that a server that is back is noticed within 5 s. */
export const LONGEST_WAIT = 4000
/** The server says something every 10 s. */
export const SILENCE = 25_000

export class EventStream {
  readonly #options: StreamOptions
  #link: Link = 'connecting'
  #lastId: string | undefined
  #wait = FIRST_WAIT
  #controller: AbortController | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #running = false

  constructor(options: StreamOptions) {
    this.#options = options
  }

  /** Begins, or tries at once where it waits for its next try. */
  open(): void {
    if (this.#running && this.#timer === undefined) return
    this.#running = true
    this.#wait = FIRST_WAIT
    clearTimeout(this.#timer)
    this.#timer = undefined
    void this.#run()
  }

  /** Ends it; `open` goes on where it was. */
  pause(): void {
    this.#stop()
    this.#say('paused')
  }

  close(): void {
    this.#stop()
    this.#lastId = undefined
  }

  /** Asks anew, from the beginning: what is asked for has changed. */
  restart(): void {
    if (!this.#running) return
    this.#stop()
    this.#lastId = undefined
    this.open()
  }

  #stop(): void {
    this.#running = false
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#controller?.abort()
    this.#controller = undefined
  }

  async #run(): Promise<void> {
    if (this.#link === 'paused') this.#say('connecting')
    const controller = new AbortController()
    this.#controller = controller
    const mine = () => this.#controller === controller
    let watchdog: ReturnType<typeof setTimeout> | undefined
    const onSign = () => {
      if (!mine()) return
      clearTimeout(watchdog)
      watchdog = setTimeout(() => controller.abort(), SILENCE)
      this.#wait = FIRST_WAIT
      this.#say('live')
    }
    const headers: Record<string, string> = this.#lastId === undefined ? {} : { 'last-event-id': this.#lastId }
    let again = false
    watchdog = setTimeout(() => controller.abort(), SILENCE)
    try {
      const open = this.#options.open ?? sse
      for await (const event of open(this.#options.url(), { signal: controller.signal, headers, onSign })) {
        if (!mine()) return
        if (event.id !== undefined) this.#lastId = event.id
        this.#options.onEvent(event)
      }
    } catch (error) {
      if (mine()) again = this.#refused(error)
    } finally {
      clearTimeout(watchdog)
    }
    if (mine() && this.#running) this.#later(again)
  }

  #refused(error: unknown): boolean {
    if (!(error instanceof ApiError)) return false
    if (error.retryAfter !== null) this.#wait = Math.max(this.#wait, error.retryAfter * 1000)
    return (error.status === 401 || error.status === 403) && this.#options.onRefused(error)
  }

  #later(atOnce: boolean): void {
    this.#controller = undefined
    if (!atOnce) this.#say('lost')
    const wait = atOnce ? 0 : this.#wait * (0.5 + 0.5 * (this.#options.random ?? Math.random)())
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.#run()
    }, wait)
  }

  #say(link: Link): void {
    if (link === this.#link) return
    this.#link = link
    this.#options.onLink(link)
  }
}
