import { expect, test } from 'vitest'
import { asText, parsed, patchOf } from './fields'

test('a setting is written as its section has it', () => {
  expect(patchOf('fleet.idle_ttl', 60)).toEqual({ fleet: { idle_ttl: 60 } })
})

test('numbers below the least and words are mistakes, empty is none where it may be', () => {
  const field = { key: 'hub.parallel', kind: 'number', min: 1 } as const
  expect(['3', '0', 'many', ''].map((text) => parsed(field, text))).toEqual([3, undefined, undefined, undefined])
  expect(parsed({ ...field, optional: true }, ' ')).toBeNull()
})

test('lines are trimmed, empty ones are none', () => {
  const field = { key: 'catalog.folders', kind: 'lines' } as const
  expect(parsed(field, ' /a \n\n/b')).toEqual(['/a', '/b'])
  expect(asText(['/a', '/b'])).toBe('/a\n/b')
})
