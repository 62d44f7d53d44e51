// Server-sent events over fetch: any method, the status of a refusal, and headers, none of which EventSource has.
import { createParser } from 'eventsource-parser'
import { request } from '@/api/client'

export interface ServerEvent {
  id: string | undefined
  event: string | undefined
  data: string
}

export interface SseOptions extends RequestInit {
  /** Called for everything that arrives, comments among it: the sign that the server is there. */
  onSign?: () => void
}

/** The events of a stream until it ends. Throws ApiError when it is refused or breaks; an abort of `signal` ends it so. */
export async function* sse(path: string, options: SseOptions = {}): AsyncGenerator<ServerEvent, void, undefined> {
  const { onSign, ...init } = options
  const headers = new Headers(init.headers)
  headers.set('accept', 'text/event-stream')
  const response = await request(path, { ...init, headers, cache: 'no-store' })
  onSign?.()
  yield* events(response, onSign)
}

/** The events in a response's body, whose characters may be cut anywhere between two pieces. */
export async function* events(response: Response, onSign?: () => void): AsyncGenerator<ServerEvent, void, undefined> {
  if (response.body === null) return
  const ready: ServerEvent[] = []
  const parser = createParser({
    onEvent: ({ id, event, data }) => {
      ready.push({ id, event, data })
    },
  })
  const decoder = new TextDecoder()
  const reader = response.body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      onSign?.()
      parser.feed(decoder.decode(value, { stream: true }))
      yield* ready.splice(0)
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}
