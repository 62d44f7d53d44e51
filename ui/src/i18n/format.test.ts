import { expect, test } from 'vitest'
import { ago, bytes, bytesOf, dotted, duration, percent, rate } from './format'

test('sizes keep the digits that matter', () => {
  expect([bytes(999, 1000, 'en'), bytes(4_900_000_000, 1000, 'en'), bytes(1024 ** 3, 1024, 'en')]).toEqual(['999 B', '4.9 GB', '1 GiB'])
})

test('a part has the unit of its whole', () => {
  expect(bytesOf(500 * 1024 ** 2, 16 * 1024 ** 3, 'en')).toBe('0.5/16 GiB')
  expect(bytesOf(0, 16 * 1024 ** 3, 'en')).toBe('0/16 GiB')
})

test('what rounds up to the next unit is written in it', () => {
  expect([bytes(999_960_000, 1000, 'en'), bytes(1023.9 * 1024 ** 2, 1024, 'en'), bytes(1500, 1000, 'en')]).toEqual(['1 GB', '1 GiB', '1.5 kB'])
  expect([duration(59.7, 'en'), duration(119.7, 'en'), duration(3599.7, 'en'), duration(86_399, 'en')]).toEqual(['1 min', '2 min', '1 h', '1 d'])
  expect([ago(1000, 1059.7, 'en'), ago(0, 3599, 'en')]).toEqual(['1 minute ago', '1 hour ago'])
})

test('rates keep three digits', () => {
  expect([rate(1930.4, 'en'), rate(61.26, 'en'), rate(0.417, 'en')]).toEqual(['1,930', '61.3', '0.42'])
})

test('times are written as the language writes them', () => {
  expect([duration(4.2, 'en'), duration(185, 'en'), duration(7800, 'en')]).toEqual(['4.2 s', '3 min 5 s', '2 h 10 min'])
  expect(duration(185, 'ko')).toBe('3분 5초')
  expect(ago(1000, 1180, 'en')).toBe('3 minutes ago')
  expect(ago(1000, 1180, 'ko')).toBe('3분 전')
  expect(percent(0.385, 0, 'en')).toBe('39%')
})

test('dots stand between what is said, and at no beginning of a line', () => {
  expect(dotted(['a', false, null, '', undefined, 'b c'])).toBe('a\u00A0· b c')
  expect(dotted([null])).toBe('')
})
