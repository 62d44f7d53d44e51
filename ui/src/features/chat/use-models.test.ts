import { expect, it } from 'vitest'
import { lackOf, type Model, modelOf } from './use-models'

const model = (id: string, more: Partial<Model>) =>
  ({ id, aliases: [`${id}-alias`], capabilities: ['chat'], format: 'gguf', state: 'unloaded', ...more }) as Model

const LISTED = [
  model('talks', {}),
  model('tries-again', { state: 'failed' }),
  model('cut-off', { state: 'failed', capabilities: [] }),
  model('vectors', { capabilities: ['embedding'] }),
  model('elsewhere', { capabilities: [], format: 'remote' }),
  model('a+b', {}),
]

it.each([
  ['talks', null],
  ['talks-alias', null],
  ['talks+polite', null],
  ['a+b', null],
  ['a+b+polite', null],
  ['tries-again', null],
  ['elsewhere', null],
  ['cut-off', 'broken'],
  ['vectors', 'silent'],
  ['gone', 'unknown'],
  ['gone+polite', 'unknown'],
  ['', 'unknown'],
])('under the name %j is lacking %j', (name, lack) => {
  expect(lackOf(LISTED, name)).toBe(lack)
})

it.each([
  ['talks', 'talks'],
  ['talks-alias', 'talks'],
  ['talks+polite', 'talks'],
  ['talks-alias+polite', 'talks'],
  ['a+b', 'a+b'],
  ['a+b+polite', 'a+b'],
  ['gone+polite', undefined],
  ['+polite', undefined],
  [null, undefined],
])('%j is the model %j', (name, id) => {
  expect(modelOf(LISTED, name)?.id).toBe(id)
})
