import { expect, test } from 'vitest'
import { choicesWith, contentsOf, withChange } from './chat-defaults'

test('a model that is set and not there can still be seen', () => {
  const there = [{ value: 'a', label: 'A' }]
  expect(choicesWith(there, null, 'gone')).toEqual(there)
  expect(choicesWith(there, 'a', 'gone')).toEqual(there)
  expect(choicesWith(there, 'b', 'gone')).toEqual([...there, { value: 'b', label: 'b', hint: 'gone' }])
})

test('what is not changed stays as it is now', () => {
  const preset = { id: 'terse', name: 'Terse', system_prompt: '', params: {}, updated_at: 0 }
  expect(withChange({ model: 'a', preset }, { model: 'b' })).toEqual({ model: 'b', preset: 'terse' })
  expect(withChange({ model: 'a', preset }, { preset: null })).toEqual({ model: 'a', preset: null })
  expect(withChange({ model: null, preset: null }, { preset: 'terse' })).toEqual({ model: null, preset: 'terse' })
})

test('parameters are told by their names', () => {
  expect(contentsOf({})).toBe('')
  expect(contentsOf({ temperature: 0.2, reasoning_effort: 'none', stop: ['\n'] })).toBe('temperature 0.2\u00A0· reasoning_effort none\u00A0· stop ["\\n"]')
})
