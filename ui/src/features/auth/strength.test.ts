import { expect, test } from 'vitest'
import { strength } from './strength'

test.each([
  ['', 'weak'],
  ['short', 'weak'],
  ['aaaaaaaaaaaaaaaaaaaa', 'weak'],
  ['password', 'weak'],
  ['password12', 'fair'],
  ['Tr0ub4dor&3', 'strong'],
  ['correct horse battery', 'strong'],
  ['안녕하세요 반갑습니다 여러분', 'strong'],
])('%s is %s', (password, expected) => {
  expect(strength(password)).toBe(expected)
})
