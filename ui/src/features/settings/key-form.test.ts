import { expect, test } from 'vitest'
import { bodyOf, problemsOf, type KeyForm } from './key-form'

const FORM: KeyForm = { name: ' robot ', role: 'member', models: 'a, b,', days: '', isReadOnly: false, limits: {} }

test('empty fields are no end and no limit', () => {
  expect(problemsOf(FORM)).toEqual([])
  expect(bodyOf(FORM)).toEqual({ name: 'robot', role: 'member', models: ['a', 'b'], read_only: false, days: null, limits: {} })
})

test.each(['30d', 'soon', '0', '-1', '40000', 'Infinity'])('%s is no time after which a key expires', (days) => {
  expect(problemsOf({ ...FORM, days })).toEqual(['days'])
})

test.each(['many', '1.5', '0', '-3', '1e3'])('%s is no limit', (said) => {
  expect(problemsOf({ ...FORM, limits: { requests_minute: said } })).toEqual(['requests_minute'])
})

test('what is said is sent', () => {
  const form = { ...FORM, days: '0.5', limits: { tokens_day: '1000', concurrency: ' ' } }
  expect(problemsOf(form)).toEqual([])
  expect(bodyOf(form)).toMatchObject({ days: 0.5, limits: { tokens_day: 1000 } })
})
