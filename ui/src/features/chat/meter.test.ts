import { describe, expect, it } from 'vitest'
import { meter } from './meter'
import type { Message, Usage } from './types'

function usage(prompt: number, completion: number, cached = 0): Usage {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached },
  }
}

function message(changes: Partial<Message>): Message {
  return {
    id: 'm',
    parent_id: null,
    role: 'assistant',
    parts: [],
    model: null,
    params: null,
    usage: null,
    timings: null,
    finish_reason: null,
    status: 'complete',
    error: null,
    run_id: null,
    created_at: 0,
    ...changes,
  }
}

describe('meter', () => {
  it('counts by the last answer that has figures', () => {
    const found = meter([message({ usage: usage(100, 50, 60) }), message({})], 1000, '', {})
    expect(found).toMatchObject({ used: 150, cached: 60, share: 0.15, level: 'ok', reserve: 0 })
  })

  it.each([
    [799, 'ok'],
    [800, 'warn'],
    [949, 'warn'],
    [950, 'full'],
    [5000, 'full'],
  ])('%i of 1000 is %s', (tokens, level) => {
    expect(meter([message({ usage: usage(tokens, 0) })], 1000, '', {}).level).toBe(level)
  })

  it('keeps room for the answer, but no more than there is', () => {
    expect(meter([message({ usage: usage(500, 0) })], 1000, '', { max_tokens: 300 })).toMatchObject({
      reserve: 300,
      share: 0.8,
    })
    expect(meter([message({ usage: usage(900, 0) })], 1000, '', { max_tokens: 300 }).reserve).toBe(100)
    expect(meter([], 1000, '', { max_tokens: -1 }).reserve).toBe(0)
  })

  it('divides without losing a token', () => {
    const path = [
      message({
        parts: [
          { type: 'text', text: 'x'.repeat(50) },
          { type: 'file', file_id: 'f', name: 'a', media_type: 'text/plain', bytes: 30 },
        ],
      }),
      message({ usage: usage(90, 10) }),
    ]
    expect(meter(path, 1000, 'y'.repeat(20), {}).split).toEqual({ system: 20, files: 30, history: 50 })
  })

  it('says nothing of what is not known', () => {
    expect(meter([], 0, 'system', {})).toMatchObject({ used: 0, share: 0, level: 'ok' })
  })
})
