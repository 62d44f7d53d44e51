import { expect, test } from 'vitest'
import { destination } from './enter'

test.each([
  [undefined, '/ui/'],
  ['/models?tab=downloads', '/ui/models?tab=downloads'],
  ['//evil.example', '/ui/'],
  ['/\\evil.example', '/ui/'],
  ['https://evil.example', '/ui/'],
  ['/login?next=/login', '/ui/'],
])('after a login, %s leads to %s', (next, expected) => {
  expect(destination(next)).toBe(expected)
})
