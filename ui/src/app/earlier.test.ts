import { expect, test } from 'vitest'
import { paramsOf } from './earlier'

test('parameters get the names that this server has, and nothing else is taken', () => {
  expect(paramsOf({ temperature: 0.2, topP: 0.9, top_k: 40, maxTokens: '512', model: 'x', seed: Number.NaN })).toEqual({
    temperature: 0.2,
    top_p: 0.9,
    top_k: 40,
  })
})
