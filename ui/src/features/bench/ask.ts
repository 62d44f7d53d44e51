// One question, its answer as it comes, and what it took: outside React, which draws a few times a second.
import { ApiError, asApiError, request, type Schemas } from '@/api/client'
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
  readonly error: string | null
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
      for await (const { data } of events(response)) {
        if (data === '[DONE]') break
        change(after(asked, chunkOf(data)))
      }
    } else {
      const { text, reasoning, figures } = (await response.json()) as Schemas['AskAnswer']
      change({ text, reasoning, figures })
    }
    change({ state: 'done' })
  } catch (error) {
    if (signal.aborted) change({ state: 'stopped' })
    else change({ state: 'failed', error: asApiError(error).message })
  }
}

function chunkOf(text: string): Schemas['AskChunk'] {
  const chunk = JSON.parse(text) as Schemas['AskChunk'] | Schemas['Error']
  if ('error' in chunk)
    throw new ApiError(chunk.error.message, 200, chunk.error.code ?? 'unknown', chunk.error.param, null)
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
