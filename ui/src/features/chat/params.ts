/** The parameters of a conversation: which fields there are, what holds where one is left empty, and what is sent. */
import { isObject, objectOf } from '@/api/json'
import type { Params } from './types'

export type Kind = 'number' | 'integer' | 'lines' | 'json' | 'text'

export interface Field {
  readonly name: string
  readonly kind: Kind
  readonly low?: number
  readonly high?: number
  readonly step?: number
  /** What the server takes where neither the conversation nor the model says anything. */
  readonly fallback?: number
  readonly group: 'sampling' | 'length' | 'penalties' | 'form'
}

export const FIELDS: readonly Field[] = [
  { name: 'temperature', kind: 'number', low: 0, high: 2, step: 0.05, fallback: 1, group: 'sampling' },
  { name: 'top_p', kind: 'number', low: 0, high: 1, step: 0.01, fallback: 1, group: 'sampling' },
  { name: 'top_k', kind: 'integer', low: -1, high: 2_147_483_647, step: 1, fallback: 0, group: 'sampling' },
  { name: 'min_p', kind: 'number', low: 0, high: 1, step: 0.01, fallback: 0, group: 'sampling' },
  {
    name: 'seed',
    kind: 'integer',
    low: Number.MIN_SAFE_INTEGER,
    high: Number.MAX_SAFE_INTEGER,
    step: 1,
    group: 'sampling',
  },
  { name: 'max_tokens', kind: 'integer', low: -1, high: 2_147_483_647, step: 1, group: 'length' },
  { name: 'stop', kind: 'lines', group: 'length' },
  { name: 'repeat_penalty', kind: 'number', low: 0.001, high: 100, step: 0.05, fallback: 1, group: 'penalties' },
  { name: 'presence_penalty', kind: 'number', low: -2, high: 2, step: 0.1, fallback: 0, group: 'penalties' },
  { name: 'frequency_penalty', kind: 'number', low: -2, high: 2, step: 0.1, fallback: 0, group: 'penalties' },
  { name: 'json_schema', kind: 'json', group: 'form' },
  { name: 'grammar', kind: 'text', group: 'form' },
]

/** Those with a slider: a range that a hand can choose in. */
export function hasSlider(field: Field): boolean {
  return field.kind === 'number' && field.high !== undefined && field.high <= 2
}

/** What holds while the field is empty: the model's own advice, else the server's default; null where there is none. */
export function fallback(field: Field, advice: Readonly<Record<string, number>> | undefined): number | null {
  return advice?.[field.name] ?? field.fallback ?? null
}

export type Read = { readonly value: unknown } | { readonly wrong: Wrong }
export type Wrong = 'number' | 'integer' | 'low' | 'high' | 'json' | 'many'

/** What a person has written into a field; `undefined` is nothing, which is the default. */
export function read(field: Field, written: string): Read {
  const text = written.trim()
  if (text === '') return { value: undefined }
  switch (field.kind) {
    case 'text':
      return { value: written }
    case 'json':
      return parsed(text)
    case 'lines': {
      const lines = written
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.replaceAll('\\n', '\n'))
      return lines.length > 16 ? { wrong: 'many' } : { value: lines }
    }
    case 'integer':
    case 'number':
      return numeric(field, text)
  }
}

function numeric(field: Field, text: string): Read {
  const value = Number(text.replace(',', '.'))
  if (!Number.isFinite(value)) return { wrong: 'number' }
  if (field.kind === 'integer' && !Number.isInteger(value)) return { wrong: 'integer' }
  if (field.name === 'max_tokens' && value === 0) return { wrong: 'low' }
  if (field.low !== undefined && value < field.low) return { wrong: 'low' }
  if (field.high !== undefined && value > field.high) return { wrong: 'high' }
  return { value }
}

function parsed(text: string): Read {
  const value = objectOf(text)
  return value === null ? { wrong: 'json' } : { value }
}

/** The field as a person edits it. */
export function shown(field: Field, params: Params): string {
  const value = params[field.name]
  if (value === undefined || value === null) return ''
  if (field.kind === 'lines') {
    const lines = Array.isArray(value) ? value : [value]
    return lines.map((line) => String(line).replaceAll('\n', '\\n')).join('\n')
  }
  return field.kind === 'json' ? JSON.stringify(value, null, 2) : String(value)
}

/** `params` with one field set, or without it. */
export function withField(params: Params, name: string, value: unknown): Params {
  const { [name]: _old, ...rest } = params
  return value === undefined ? rest : { ...rest, [name]: value }
}

/** How a model that thinks is asked to: null leaves it to the model. */
export type Thinking = 'auto' | 'off' | 'low' | 'medium' | 'high'
export const THINKING: readonly Thinking[] = ['auto', 'off', 'low', 'medium', 'high']

export function thinkingOf(params: Params): Thinking {
  const effort = params['reasoning_effort']
  if (effort === 'none') return 'off'
  return THINKING.find((one) => one === effort) ?? 'auto'
}

export function withThinking(params: Params, thinking: Thinking): Params {
  return withField(params, 'reasoning_effort', thinking === 'auto' ? undefined : thinking === 'off' ? 'none' : thinking)
}

export interface PresetFile {
  readonly name: string
  readonly system_prompt: string
  readonly params: Params
}

/** A preset out of a JSON file; null where it is none. */
export function presetOf(text: string): PresetFile | null {
  const { name, system_prompt: prompt, params } = objectOf(text) ?? {}
  if (typeof name !== 'string' || name.trim() === '') return null
  return {
    name: name.trim().slice(0, 100),
    system_prompt: typeof prompt === 'string' ? prompt : '',
    params: isObject(params) ? params : {},
  }
}

/** The preset that a conversation goes by as it stands; none for one that goes by nothing. */
export function presetLike<T extends PresetFile>(kept: readonly T[], systemPrompt: string, params: Params): T | undefined {
  if (systemPrompt === '' && Object.keys(params).length === 0) return undefined
  const wanted = inOrder(params)
  return kept.find((one) => one.system_prompt === systemPrompt && inOrder(one.params) === wanted)
}

function inOrder(params: Params): string {
  return JSON.stringify(Object.entries(params).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** The id of a preset by its name: what an address may have in it, and something for names that have none of that. */
export function presetId(name: string, taken: readonly string[]): string {
  const base =
    name
      .normalize('NFKD')
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 48) || 'preset'
  for (let count = 1; ; count++) {
    const id = count === 1 ? base : `${base}-${count}`
    if (!taken.includes(id)) return id
  }
}

/** The name, with a number behind it where it is another's already. */
export function freeName(name: string, taken: readonly string[]): string {
  for (let count = 1; ; count++) {
    const free = count === 1 ? name : `${name.slice(0, 94)} (${count})`
    if (!taken.includes(free)) return free
  }
}

/** Parameters as a person writes them in JSON; null where that is no object. */
export function paramsOf(text: string): Params | null {
  return text.trim() === '' ? {} : objectOf(text)
}
