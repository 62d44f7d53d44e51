import { expect, it } from 'vitest'
import { written } from './figures'

it('says of a list that it goes on only where it does', () => {
  expect(written({ value: [1, 2, 3], count: 3 })).toBe('1, 2, 3')
  expect(written({ value: ['a', 'b'], count: 128_256 })).toBe('a, b, …')
  expect(written({ value: 32, count: null })).toBe('32')
  expect(written({ value: null, count: null })).toBe('')
})
