// What a benchmark is to measure, from what is written in the form. Pure but for the store, which lasts as long as the tab.
import { createStore } from 'zustand'
import type { Schemas } from '@/api/client'

export type Body = Schemas['BenchmarkRequest']

export interface RunForm {
  readonly models: readonly string[]
  readonly prompt: string
  readonly gen: string
  readonly streams: string
  readonly repeat: string
  readonly warmup: boolean
  readonly quality: boolean
  readonly name: string
}

export const FRESH: RunForm = {
  models: [],
  prompt: '512',
  gen: '128',
  streams: '1',
  repeat: '3',
  warmup: true,
  quality: true,
  name: '',
}

/** What is in the form: it goes while a benchmark runs, and is there again for the next. */
export const runForm = createStore<RunForm>(() => FRESH)

export type Problem = 'models' | 'prompt' | 'gen' | 'streams' | 'repeat'

const TOKENS = 1 << 20

/** The body of the request, or which fields are wrong. */
export function bodyOf(form: RunForm): { body: Body } | { problems: Problem[] } {
  const prompt = counts(form.prompt, 2, TOKENS)
  const gen = counts(form.gen, 2, TOKENS)
  const streams = counts(form.streams, 1, 64)
  const repeat = counts(form.repeat, 1, 100)
  const problems: Problem[] = []
  if (form.models.length === 0) problems.push('models')
  if (prompt === null) problems.push('prompt')
  if (gen === null) problems.push('gen')
  if (streams === null) problems.push('streams')
  if (repeat?.length !== 1) problems.push('repeat')
  if (problems.length > 0 || !prompt || !gen || !streams || !repeat) return { problems }
  const [times = 3] = repeat
  const { models, warmup, name } = form
  const body = { models: [...models], prompt, gen, streams, repeat: times, warmup, name, when_busy: 'wait' as const }
  return { body: { ...body, quality: form.quality ? {} : null } }
}

/** Whole numbers with commas between them, each once; null where that is not what it is. */
export function counts(text: string, least: number, most: number): number[] | null {
  const parts = text.split(/[,\s]+/u).filter(Boolean)
  const numbers = parts.map((part) => (/^\d{1,7}$/u.test(part) ? Number(part) : Number.NaN))
  const good = numbers.every((each) => each >= least && each <= most)
  return parts.length > 0 && parts.length <= 8 && good ? [...new Set(numbers)] : null
}
