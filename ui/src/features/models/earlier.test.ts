import { describe, expect, it } from 'vitest'
import { earlierList, earlierParams } from './earlier'

describe('what the earlier page left', () => {
  it('is a list of models with ids', () => {
    const text = JSON.stringify({ models: [{ id: 'a', modelFormat: 'gguf' }, { name: 'no id' }, 5], activeModelId: 'a' })
    expect(earlierList(text)).toEqual({ models: [{ id: 'a', modelFormat: 'gguf' }], activeModelId: 'a' })
  })
  it.each([null, '', '{', '[]', '{}', '{"models": []}', '{"models": 5}'])('is nothing: %s', (text) => {
    expect(earlierList(text)).toBeNull()
  })
  it('has parameters by other names', () => {
    const text = JSON.stringify({ temperature: 0.5, topP: 0.9, top_k: 40, repeatPenalty: 1.1, maxTokens: 99, systemPrompt: 'Be brief.', model: 'a', stream: true })
    expect(earlierParams(text)).toEqual({
      params: { temperature: 0.5, top_p: 0.9, top_k: 40, repeat_penalty: 1.1, max_tokens: 99 },
      systemPrompt: 'Be brief.',
    })
  })
  it.each([null, '{}', '{"model": "a"}', 'x', '{"temperature": "warm"}'])('has none: %s', (text) => {
    expect(earlierParams(text)).toBeNull()
  })
})
