// The one event stream of a tab: who wants which topics, how things stand, and who is told of each event.
import { useEffect } from 'react'
import { createStore, useStore } from 'zustand'
import { tellLoggedOut } from '@/api/client'
import { EventStream, type Link } from './event-stream'
import { after, NOTHING, type HubEvent, type Standing, type Topic } from './topics'

/** The status bar shows these on every page. */
const ALWAYS: readonly Topic[] = ['metrics', 'models']
const HIDDEN_FOR = 10_000
/** Pages that change hand over their topics within it, with one question to the server. */
const SETTLE = 50

type Listener = (event: HubEvent) => void

export class Hub {
  readonly link = createStore<Link>(() => 'connecting')
  readonly standing = createStore<Standing>(() => NOTHING)
  readonly #stream: EventStream
  readonly #wanted = new Map<Topic, number>()
  readonly #refused = new Set<Topic>()
  readonly #listeners = new Map<Topic, Set<Listener>>()
  #asked = ''
  #settling: ReturnType<typeof setTimeout> | undefined
  #hidden: ReturnType<typeof setTimeout> | undefined
  #logAfter = 0

  constructor(stream: (options: ConstructorParameters<typeof EventStream>[0]) => EventStream = (o) => new EventStream(o)) {
    this.#stream = stream({
      url: () => this.#url(),
      onEvent: ({ data }) => this.#hear(JSON.parse(data) as HubEvent),
      onLink: (link) => this.link.setState(link, true),
      onRefused: ({ status }) => this.#refusedBy(status),
    })
  }

  /** Opens the stream and keeps to whether the tab is looked at; what it returns closes it. */
  start(): () => void {
    const seen = () => this.#visible()
    document.addEventListener('visibilitychange', seen)
    window.addEventListener('pageshow', seen)
    window.addEventListener('online', seen)
    this.#stream.open()
    return () => {
      document.removeEventListener('visibilitychange', seen)
      window.removeEventListener('pageshow', seen)
      window.removeEventListener('online', seen)
      clearTimeout(this.#hidden)
      clearTimeout(this.#settling)
      this.#stream.close()
      this.standing.setState(NOTHING, true)
      this.#refused.clear()
    }
  }

  /** Tries at once where it waits for its next try. */
  retry(): void {
    this.#stream.open()
  }

  /** Asks for `topics` until what it returns is called. */
  want(topics: readonly Topic[]): () => void {
    this.#count(topics, 1)
    return () => this.#count(topics, -1)
  }

  /** Tells `listener` every event of a topic, in order, snapshots and `resync` among them. Ask for the topic by `want`. */
  on(topic: Topic, listener: Listener): () => void {
    const all = this.#listeners.get(topic) ?? new Set()
    this.#listeners.set(topic, all.add(listener))
    return () => all.delete(listener)
  }

  #count(topics: readonly Topic[], by: number): void {
    for (const topic of topics) this.#wanted.set(topic, (this.#wanted.get(topic) ?? 0) + by)
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => {
      if (this.#topics() !== this.#asked) this.#stream.restart()
    }, SETTLE)
  }

  #topics(): string {
    const all = new Set<Topic>(ALWAYS)
    for (const [topic, count] of this.#wanted) if (count > 0 && !this.#refused.has(topic)) all.add(topic)
    return [...all].sort().join(',')
  }

  #url(): string {
    this.#asked = this.#topics()
    const logs = this.#asked.includes('logs') && this.#logAfter > 0 ? `&log_after=${this.#logAfter}` : ''
    return `/api/v1/events?topics=${this.#asked}${logs}`
  }

  #hear(event: HubEvent): void {
    if (event.topic === 'logs' && event.type !== 'resync') {
      const { lines } = event.data as { lines: { number: number }[] }
      this.#logAfter = Math.max(this.#logAfter, lines.at(-1)?.number ?? 0)
    }
    this.standing.setState((standing) => after(standing, event), true)
    for (const listener of this.#listeners.get(event.topic) ?? []) listener(event)
  }

  /** A topic that the role does not allow is not asked for again; whoever is not known has to log in. */
  #refusedBy(status: number): boolean {
    if (status === 401) {
      tellLoggedOut()
      return false
    }
    const more = this.#asked.split(',').filter((topic) => !ALWAYS.includes(topic as Topic)) as Topic[]
    for (const topic of more) this.#refused.add(topic)
    return more.length > 0
  }

  #visible(): void {
    clearTimeout(this.#hidden)
    this.#hidden = undefined
    if (document.visibilityState === 'hidden') {
      this.#hidden = setTimeout(() => this.#stream.pause(), HIDDEN_FOR)
    } else {
      this.#stream.open()
    }
  }
}

export const hub = new Hub()

/** How the tab is connected. */
export function useLink(): Link {
  return useStore(hub.link)
}

/** Asks for topics while the component is there. */
export function useTopics(...topics: Topic[]): void {
  const names = topics.join(',')
  useEffect(() => hub.want(names.split(',') as Topic[]), [names])
}

/** One topic as it stands, null (or undefined for `bench`) until it is known; asks for it while the component is there. */
export function useStanding<T extends keyof Standing>(topic: T): Standing[T] {
  useTopics(topic)
  return useStore(hub.standing, (standing) => standing[topic])
}

/** A part of how things stand, for those who need less than all: renders again only when that part has changed. */
export function useStandingPart<T>(topic: keyof Standing, part: (standing: Standing) => T): T {
  useTopics(topic)
  return useStore(hub.standing, part)
}
