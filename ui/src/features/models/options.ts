// The settings of a model as a form: which there are, what may be typed, and what of it is to be written. Pure.
import type { Entry, Format } from './entries'

export type Group = 'memory' | 'speed' | 'files' | 'keeping' | 'names' | 'sampling'
export type Key = (typeof OPTIONS)[number]['key']

interface Option {
  key: string
  kind: 'whole' | 'number' | 'layers' | 'bytes' | 'flag' | 'choice' | 'path' | 'text' | 'names'
  group: Group
  formats: readonly Format[]
  /** The worker has to load again before it holds. */
  reload: boolean
  low?: number
  high?: number
  choices?: readonly string[]
}

const GGUF: readonly Format[] = ['gguf']
const LOCAL: readonly Format[] = ['gguf', 'mlx']
const ALL: readonly Format[] = ['gguf', 'mlx', 'remote']
const CACHE = ['f32', 'f16', 'bf16', 'q8_0', 'q5_1', 'q5_0', 'q4_1', 'q4_0'] as const

export const OPTIONS = [
  { key: 'context', kind: 'whole', group: 'memory', formats: ALL, reload: true, low: 64, high: 1 << 24 },
  { key: 'parallel', kind: 'whole', group: 'memory', formats: ALL, reload: true, low: 1, high: 256 },
  { key: 'gpu_layers', kind: 'layers', group: 'memory', formats: GGUF, reload: true, low: 0, high: 10_000 },
  { key: 'gpu_only', kind: 'flag', group: 'memory', formats: LOCAL, reload: true },
  { key: 'cache_type_k', kind: 'choice', group: 'memory', formats: GGUF, reload: true, choices: CACHE },
  { key: 'cache_type_v', kind: 'choice', group: 'memory', formats: GGUF, reload: true, choices: CACHE },
  { key: 'cache_ram', kind: 'bytes', group: 'memory', formats: LOCAL, reload: true, low: 0, high: 2 ** 50 },
  { key: 'flash_attention', kind: 'flag', group: 'speed', formats: GGUF, reload: true },
  { key: 'threads', kind: 'whole', group: 'speed', formats: GGUF, reload: true, low: 1, high: 1024 },
  { key: 'batch', kind: 'whole', group: 'speed', formats: LOCAL, reload: true, low: 1, high: 1 << 16 },
  { key: 'ubatch', kind: 'whole', group: 'speed', formats: GGUF, reload: true, low: 1, high: 1 << 16 },
  { key: 'warmup', kind: 'flag', group: 'speed', formats: LOCAL, reload: true },
  { key: 'ngram', kind: 'choice', group: 'speed', formats: GGUF, reload: true, choices: ['simple', 'map-k', 'map-k4v', 'mod', 'cache'] },
  { key: 'draft', kind: 'text', group: 'files', formats: GGUF, reload: true },
  { key: 'mmproj', kind: 'path', group: 'files', formats: GGUF, reload: true },
  { key: 'chat_format', kind: 'choice', group: 'files', formats: LOCAL, reload: true, choices: ['alpaca', 'chatml', 'gemma', 'llama-2', 'llama-3', 'mistral', 'vicuna', 'zephyr'] },
  { key: 'chat_template', kind: 'path', group: 'files', formats: LOCAL, reload: true },
  { key: 'adapter', kind: 'text', group: 'files', formats: LOCAL, reload: false },
  { key: 'ttl', kind: 'number', group: 'keeping', formats: ALL, reload: false, low: 0, high: 1e9 },
  { key: 'pin', kind: 'flag', group: 'keeping', formats: ALL, reload: false },
  { key: 'preload', kind: 'flag', group: 'keeping', formats: ALL, reload: false },
  { key: 'priority', kind: 'whole', group: 'keeping', formats: ALL, reload: false, low: -1000, high: 1000 },
  { key: 'replicas', kind: 'whole', group: 'keeping', formats: LOCAL, reload: false, low: 1, high: 64 },
  { key: 'aliases', kind: 'names', group: 'names', formats: ALL, reload: false },
  { key: 'sampling.temperature', kind: 'number', group: 'sampling', formats: ALL, reload: false, low: 0, high: 2 },
  { key: 'sampling.top_p', kind: 'number', group: 'sampling', formats: ALL, reload: false, low: 0, high: 1 },
  { key: 'sampling.top_k', kind: 'whole', group: 'sampling', formats: ALL, reload: false, low: -1, high: 1e9 },
  { key: 'sampling.min_p', kind: 'number', group: 'sampling', formats: ALL, reload: false, low: 0, high: 1 },
  { key: 'sampling.typical_p', kind: 'number', group: 'sampling', formats: ALL, reload: false, low: 0, high: 1 },
  { key: 'sampling.repeat_penalty', kind: 'number', group: 'sampling', formats: ALL, reload: false, low: 0, high: 10 },
  { key: 'sampling.repeat_last_n', kind: 'whole', group: 'sampling', formats: ALL, reload: false, low: -1, high: 1e9 },
  { key: 'sampling.frequency_penalty', kind: 'number', group: 'sampling', formats: ALL, reload: false, low: -2, high: 2 },
  { key: 'sampling.presence_penalty', kind: 'number', group: 'sampling', formats: ALL, reload: false, low: -2, high: 2 },
] as const satisfies readonly Option[]

export const GROUPS: readonly Group[] = ['memory', 'speed', 'files', 'keeping', 'names', 'sampling']

/** What is in the fields, by key; an empty text is what nobody has said. */
export type Draft = Readonly<Record<string, string>>
export type Problem = { kind: 'number' | 'whole' | 'path' | 'names' } | { kind: 'range'; low: number; high: number }
export type Patch = Record<string, unknown>

/** Those that a model of `format` can have; of one that is no language model how long it stays, and its names. */
export function optionsOf(format: Format): readonly (typeof OPTIONS)[number][] {
  const known = OPTIONS.filter((option) => (option.formats as readonly Format[]).includes(format))
  return known.length > 0 ? known : OPTIONS.filter(({ group }) => group === 'keeping' || group === 'names')
}

const MIB = 1024 ** 2

/** What the settings say, as the fields show it. */
export function draftOf(settings: Entry['settings']): Draft {
  const draft: Record<string, string> = {}
  for (const option of OPTIONS) draft[option.key] = shown(option, at(settings, option.key))
  return draft
}

function at(settings: Record<string, unknown>, key: string): unknown {
  const [first = '', second] = key.split('.')
  const value = settings[first]
  if (second === undefined) return value
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[second] : undefined
}

function shown(option: Option, value: unknown): string {
  if (value === undefined || value === null) return ''
  if (option.kind === 'names') return Array.isArray(value) ? value.join(', ') : ''
  if (option.kind === 'bytes') return String(Number(value) / MIB)
  if (option.kind === 'layers') return value === -1 ? 'auto' : String(value)
  return String(value)
}

/** What a field says as the server wants it; null is to be taken out. */
export function parsed(option: Option, text: string): { value: unknown } | { problem: Problem } {
  const said = text.trim()
  if (said === '') return { value: null }
  switch (option.kind) {
    case 'flag':
      return { value: said === 'true' }
    case 'choice':
    case 'text':
      return { value: said }
    case 'path':
      return /^(?:\/|[A-Za-z]:[\\/])/.test(said) ? { value: said } : { problem: { kind: 'path' } }
    case 'names': {
      const names = said.split(/[\s,]+/).filter((name) => name !== '')
      return { value: names }
    }
    case 'layers':
      return said.toLowerCase() === 'auto' ? { value: 'auto' } : numeric(option, said)
    default:
      return numeric(option, said)
  }
}

function numeric(option: Option, said: string): { value: number } | { problem: Problem } {
  // A comma stands between thousands; as a decimal one it would be read as another number.
  const value = said.includes(',') && !/^-?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(said) ? Number.NaN : Number(said.replaceAll(',', ''))
  if (!Number.isFinite(value)) return { problem: { kind: 'number' } }
  const scaled = option.kind === 'bytes' ? Math.round(value * MIB) : value
  if (option.kind !== 'number' && !Number.isInteger(scaled)) return { problem: { kind: 'whole' } }
  const { low = -Infinity, high = Infinity } = option
  if (scaled < low || scaled > high) {
    const unit = option.kind === 'bytes' ? MIB : 1
    return { problem: { kind: 'range', low: low / unit, high: high / unit } }
  }
  return { value: scaled }
}

export interface Change {
  /** As `PATCH` takes it. */
  patch: Patch
  changed: readonly Key[]
  problems: Partial<Record<Key, Problem>>
  reload: boolean
}

/** What the fields say otherwise than they did. */
export function change(before: Draft, now: Draft, format: Format): Change {
  const patch: Patch = {}
  const changed: Key[] = []
  const problems: Partial<Record<Key, Problem>> = {}
  let reload = false
  for (const option of optionsOf(format)) {
    const text = now[option.key] ?? ''
    if (text.trim() === (before[option.key] ?? '')) continue
    changed.push(option.key)
    reload ||= option.reload
    const read = parsed(option, text)
    if ('problem' in read) problems[option.key] = read.problem
    else put(patch, option.key, read.value)
  }
  return { patch, changed, problems, reload }
}

/** What the server has against single settings: its lines name them as `models.ID.KEY`. */
export function refusals(said: string, id: string): Partial<Record<Key, string>> {
  const found: Partial<Record<Key, string>> = {}
  const above = `models.${id}.`
  for (const line of said.split('\n')) {
    const start = line.indexOf(above)
    if (start < 0) continue
    const [key = '', ...words] = line.slice(start + above.length).split(': ')
    if (isKey(key) && words.length > 0) found[key] = words.join(': ')
  }
  return found
}

function isKey(name: string): name is Key {
  return OPTIONS.some((option) => option.key === name)
}

function put(patch: Patch, key: string, value: unknown): void {
  const [first = '', second] = key.split('.')
  if (second === undefined) patch[first] = value
  else patch[first] = { ...(patch[first] as Patch | undefined), [second]: value }
}
