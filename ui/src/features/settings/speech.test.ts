import { expect, test } from 'vitest'
import { choicesOf, onHub, pauseOf, toneOf, type SpeechStatus } from './speech'

const status = (state: SpeechStatus['status']): SpeechStatus => ({ enabled: true, installed: true, ready: false, status: state, model: null, progress: null, message: null })

test('those that hear can be chosen, and what is set although it is not here', () => {
  const here = [{ id: 'tiny', capabilities: ['chat'] }, { id: 'ear', capabilities: ['transcription'] }]
  expect(choicesOf(here, null)).toEqual(['ear'])
  expect(choicesOf(here, 'ear')).toEqual(['ear'])
  expect(choicesOf(here, 'someone/whisper')).toEqual(['ear', 'someone/whisper'])
})

test('a name on the hub has an owner, and may have a file', () => {
  expect(['a/b', 'a/b.c:model.bin', 'a/b:x/y'].every(onHub)).toBe(true)
  expect(['a', 'a/', '/etc/x', 'a/b/c', '../b', 'a b/c'].some(onHub)).toBe(false)
})

test('what is on its way is asked about soon', () => {
  expect(pauseOf(status('downloading'))).toBeLessThan(pauseOf(status('ready')))
  expect(toneOf(status('failed'))).toBe('bad')
})
