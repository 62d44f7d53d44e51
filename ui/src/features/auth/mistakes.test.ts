import { expect, test } from 'vitest'
import { focusMistake } from './mistakes'

function form(): HTMLFormElement {
  document.body.innerHTML = '<form><input name="username"><input name="new-password"><button>Go</button></form>'
  return document.forms[0] as HTMLFormElement
}

test('the first of two fields that are wrong has the focus', () => {
  expect(focusMistake(form(), { username: undefined, code: undefined, 'new-password': 'too short' })).toBe(true)
  expect(document.activeElement?.getAttribute('name')).toBe('new-password')
  expect(focusMistake(form(), { username: 'none', 'new-password': 'too short' })).toBe(true)
  expect(document.activeElement?.getAttribute('name')).toBe('username')
})

test('where nothing is wrong the focus stays', () => {
  const made = form()
  made.querySelector('button')?.focus()
  expect(focusMistake(made, { username: undefined })).toBe(false)
  expect(document.activeElement?.tagName).toBe('BUTTON')
})
