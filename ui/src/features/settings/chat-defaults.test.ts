import { expect, test } from 'vitest'
import { choicesWith, contentsOf } from './chat-defaults'

test('a model that is set and not there can still be seen', () => {
  const there = [{ value: 'a', label: 'A' }]
  expect(choicesWith(there, null, 'gone')).toEqual(there)
  expect(choicesWith(there, 'a', 'gone')).toEqual(there)
  expect(choicesWith(there, 'b', 'gone')).toEqual([...there, { value: 'b', label: 'b', hint: 'gone' }])
})

test('parameters are told by their names', () => {
  expect(contentsOf({})).toBe('')
  expect(contentsOf({ temperature: 0.2, reasoning_effort: 'none', stop: ['\n'] })).toBe('temperature 0.2\u00A0· reasoning_effort none\u00A0· stop ["\\n"]')
})
