import { describe, expect, it } from 'vitest'
import { fitted, kindOf, LONG_PASTE, MAX_TEXT, pasteAsFile, refusal, together } from './attach'

const limits = { vision: true, audio: true, largest: 1000 }
const file = (name: string, type: string, size = 10) => ({ name, type, size })

it.each([
  ['a.png', 'image/png', 'image'],
  ['a.svg', 'image/svg+xml', null],
  ['a.wav', '', 'audio'],
  ['a.mp3', 'audio/mpeg', null],
  ['main.rs', '', 'file'],
  ['notes', 'text/plain', 'file'],
  ['a.pdf', 'application/pdf', 'file'],
  ['A.PDF', '', 'file'],
  ['a.zip', 'application/zip', null],
])('%s (%s) is %s', (name, type, kind) => {
  expect(kindOf(file(name, type))).toBe(kind)
})

describe('refusal', () => {
  it('says why the model cannot take it', () => {
    expect(refusal(file('a.png', 'image/png'), { ...limits, vision: false })).toBe('vision')
    expect(refusal(file('a.wav', 'audio/wav'), { ...limits, audio: false })).toBe('audio')
    expect(refusal(file('a.zip', 'application/zip'), limits)).toBe('kind')
    expect(refusal(file('a.txt', 'text/plain', 0), limits)).toBe('empty')
    expect(refusal(file('a.txt', 'text/plain', 1001), limits)).toBe('large')
    expect(refusal(file('a.txt', 'text/plain', 1000), limits)).toBeNull()
    const roomy = { ...limits, largest: MAX_TEXT * 2 }
    expect(refusal(file('a.txt', 'text/plain', MAX_TEXT + 1), roomy)).toBe('large')
    expect(refusal(file('a.pdf', 'application/pdf', MAX_TEXT + 1), roomy)).toBeNull()
  })
})

it('fits pictures without making them larger', () => {
  expect(fitted(4000, 1000, 2000)).toEqual({ width: 2000, height: 500 })
  expect(fitted(10, 20, 2000)).toEqual({ width: 10, height: 20 })
  expect(fitted(100_000, 1, 2000)).toEqual({ width: 2000, height: 1 })
})

it('makes a file of a long paste alone', async () => {
  expect(pasteAsFile('x'.repeat(LONG_PASTE), new Date(0))).toBeNull()
  const made = pasteAsFile('y'.repeat(LONG_PASTE + 1), new Date(0))
  expect(made?.name).toBe('pasted-1970-01-01-000000.txt')
  expect(await made?.text()).toBe('y'.repeat(LONG_PASTE + 1))
})

it('has the same file once', () => {
  const named = (name: string, lastModified: number) => new File(['x'], name, { lastModified })
  const files = together([named('a', 1)], [named('b', 1), named('a', 1), named('a', 2), named('b', 1)])
  expect(files.map((one) => [one.name, one.lastModified])).toEqual([['a', 1], ['b', 1], ['a', 2]])
})
