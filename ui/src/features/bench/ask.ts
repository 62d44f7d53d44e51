// One question, its answer as it comes, and what it took: outside React, which draws a few times a second.
import { asApiError, refusal, request, type ApiError, type Schemas } from '@/api/client'
import { events } from '@/realtime/sse-fetch'
import { askOf, nameOf, type AskSettings } from './ask-settings'

export type Figures = Schemas['AskFigures']

export interface Asked {
  readonly number: number
  readonly name: string
  readonly prompt: string
  readonly text: string
  readonly reasoning: string
  readonly figures: Figures | null
  readonly state: 'running' | 'done' | 'stopped' | 'failed'
  readonly error: ApiError | null
}

export function asking(number: number, said: AskSettings, prompt: string): Asked {
  return { number, name: nameOf(said), prompt, text: '', reasoning: '', figures: null, state: 'running', error: null }
}

/** Asks, and tells `onChange` how far the answer is; ends with its last state, whatever happens. */
export async function ask(
  begun: Asked,
  said: AskSettings,
  signal: AbortSignal,
  onChange: (asked: Asked) => void,
): Promise<void> {
  let asked = begun
  const change = (more: Partial<Asked>) => {
    asked = { ...asked, ...more }
    onChange(asked)
  }
  const { path, body } = askOf(said, begun.prompt)
  try {
    const response = await request(path, {
      method: 'POST',
      signal,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (said.stream) {
      let isWhole = false
      for await (const { data } of events(response)) {
        isWhole = data === '[DONE]'
        if (isWhole) break
        change(after(asked, chunkOf(data)))
      }
      // A server that goes in the middle ends the stream as well.
      if (!isWhole) throw new TypeError('the answer ended before its end')
    } else {
      const { text, reasoning, figures } = (await response.json()) as Schemas['AskAnswer']
      change({ text, reasoning, figures })
    }
    change({ state: 'done' })
  } catch (error) {
    if (signal.aborted) change({ state: 'stopped' })
    else change({ state: 'failed', error: asApiError(error) })
  }
}

function chunkOf(text: string): Schemas['AskChunk'] {
  const chunk = JSON.parse(text) as Schemas['AskChunk'] | Schemas['Error']
  if ('error' in chunk)
    throw refusal(chunk.error)
  return chunk
}

/** The answer with another piece of it. */
export function after(asked: Asked, chunk: Schemas['AskChunk']): Asked {
  return {
    ...asked,
    text: asked.text + (chunk.text ?? ''),
    reasoning: asked.reasoning + (chunk.reasoning ?? ''),
    figures: chunk.figures ?? asked.figures,
  }
}
