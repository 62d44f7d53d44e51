import { expect, test } from 'vitest'
import { events } from './sse-fetch'

const TEXT = ': hello\n\nid: 1\ndata: {"a":"한국어 🙂"}\n\nevent: done\ndata: a\ndata: b\n\n'

function cut(bytes: Uint8Array, at: number): Response {
  return new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(bytes.slice(0, at))
        controller.enqueue(bytes.slice(at))
        controller.close()
      },
    }),
  )
}

test('events are the same wherever the bytes are cut', async () => {
  const bytes = new TextEncoder().encode(TEXT)
  for (let at = 0; at <= bytes.length; at += 1) {
    const found = []
    for await (const event of events(cut(bytes, at))) found.push(event)
    expect(found).toEqual([
      { id: '1', event: undefined, data: '{"a":"한국어 🙂"}' },
      { id: undefined, event: 'done', data: 'a\nb' },
    ])
  }
})
