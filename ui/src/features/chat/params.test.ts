import { describe, expect, it } from 'vitest'
import {
  fallback,
  type Field,
  FIELDS,
  freeName,
  presetId,
  presetLike,
  presetOf,
  read,
  shown,
  thinkingOf,
  withField,
  withThinking,
} from './params'

function field(name: string): Field {
  const found = FIELDS.find((one) => one.name === name)
  if (found === undefined) throw new Error(name)
  return found
}

describe('read', () => {
  it.each([
    ['temperature', '0.7', { value: 0.7 }],
    ['temperature', '0,7', { value: 0.7 }],
    ['temperature', '', { value: undefined }],
    ['temperature', 'hot', { wrong: 'number' }],
    ['temperature', '3', { wrong: 'high' }],
    ['temperature', '-1', { wrong: 'low' }],
    ['top_k', '40.5', { wrong: 'integer' }],
    ['max_tokens', '0', { wrong: 'low' }],
    ['max_tokens', '-1', { value: -1 }],
    ['stop', 'END\n\\n\\n\n', { value: ['END', '\n\n'] }],
    ['json_schema', '{"type":"object"}', { value: { type: 'object' } }],
    ['json_schema', '[1]', { wrong: 'json' }],
    ['json_schema', '{', { wrong: 'json' }],
    ['grammar', 'root ::= "a" ', { value: 'root ::= "a" ' }],
  ])('%s: %j', (name, written, expected) => {
    expect(read(field(name), written)).toEqual(expected)
  })

  it('shows again what was written', () => {
    for (const [name, written] of [
      ['temperature', '0.7'],
      ['stop', 'END\n\\n'],
      ['seed', '42'],
    ] as const) {
      const found = read(field(name), written)
      if (!('value' in found)) throw new Error(name)
      expect(shown(field(name), { [name]: found.value })).toBe(written)
    }
  })
})

it('says what holds while a field is empty: the model, then the server', () => {
  expect(fallback(field('temperature'), { temperature: 0.6 })).toBe(0.6)
  expect(fallback(field('temperature'), {})).toBe(1)
  expect(fallback(field('seed'), undefined)).toBeNull()
})

it('takes a field out where nothing is written', () => {
  expect(withField({ a: 1, b: 2 }, 'a', undefined)).toEqual({ b: 2 })
  expect(withField({ b: 2 }, 'a', 0)).toEqual({ a: 0, b: 2 })
})

it('asks for thinking by the effort', () => {
  expect(withThinking({ top_p: 1 }, 'off')).toEqual({ top_p: 1, reasoning_effort: 'none' })
  expect(withThinking({ reasoning_effort: 'low' }, 'auto')).toEqual({})
  for (const thinking of ['auto', 'off', 'low', 'medium', 'high'] as const)
    expect(thinkingOf(withThinking({}, thinking))).toBe(thinking)
})

describe('presets', () => {
  it('come out of files', () => {
    expect(presetOf('{"name":" Terse ","system_prompt":"Be brief.","params":{"temperature":0}}')).toEqual({
      name: 'Terse',
      system_prompt: 'Be brief.',
      params: { temperature: 0 },
    })
    for (const wrong of ['', '[]', '{}', '{"name":""}', 'null']) expect(presetOf(wrong)).toBeNull()
  })

  it('are known again by what they hold', () => {
    const kept = [
      { name: 'Empty', system_prompt: '', params: {} },
      { name: 'Terse', system_prompt: 'Be brief.', params: { top_k: 3, stop: ['a'] } },
    ]
    expect(presetLike(kept, 'Be brief.', { stop: ['a'], top_k: 3 })?.name).toBe('Terse')
    expect(presetLike(kept, 'Be brief.', { top_k: 3 })).toBeUndefined()
    expect(presetLike(kept, 'Be long.', { stop: ['a'], top_k: 3 })).toBeUndefined()
    expect(presetLike(kept, '', {})).toBeUndefined()
  })

  it('get an id of their own', () => {
    expect(presetId('Short answers!', [])).toBe('Short-answers')
    expect(presetId('짧게', ['preset'])).toBe('preset-2')
  })

  it('take the name of no other', () => {
    expect(freeName('Short', ['Long'])).toBe('Short')
    expect(freeName('Short', ['Short', 'Short (2)'])).toBe('Short (3)')
    expect(freeName('x'.repeat(100), ['x'.repeat(100)]).length).toBeLessThanOrEqual(100)
  })
})
