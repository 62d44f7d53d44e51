import { afterEach, expect, it } from 'vitest'
import { i18n } from '@/i18n/texts'
import './texts'
import { phaseText } from './phase-text'
import { STARTING, type Phase } from './run-events'

function said(phase: Partial<Phase>): string {
  return phaseText(i18n.getFixedT(i18n.language, 'chat'), { ...STARTING, ...phase }, 'asked')
}

afterEach(() => i18n.changeLanguage('en'))

it('says each phase with what is known of it', () => {
  expect(said({ phase: 'queued', position: 2, wait: 90 })).toBe('Waiting in line: place 2 · about 1 min 30 s')
  expect(said({ phase: 'loading', model: 'large', progress: 0.42 })).toBe('Loading large: 42%')
  expect(said({ phase: 'loading' })).toBe('Loading asked…')
  expect(said({ phase: 'answering', tokens: 142, per_second: 61.26 })).toBe('Answering · 142 tokens · 61.3 tok/s')
})

it('says how fast a prompt is read and how long the rest takes', () => {
  const reading: Partial<Phase> = { phase: 'reading', done: 3120, total: 8000, cached: 600 }
  expect(said(reading)).toBe('Reading the prompt: 3,120 of 8,000 tokens · 600 cached')
  expect(said({ ...reading, per_second: 1450.4, wait: 3.4 })).toBe(
    'Reading the prompt: 3,120 of 8,000 tokens · 600 cached · 1,450 tok/s · 3.4 s left',
  )
})

it('says it in Korean, too', async () => {
  await i18n.changeLanguage('ko')
  expect(said({ phase: 'reading', done: 3120, total: 8000, cached: 0, per_second: 1450, wait: 3 })).toBe(
    '프롬프트 읽는 중: 8,000토큰 중 3,120 · 1,450 tok/s · 3초 남음',
  )
})
