// Models as the list shows them: what the server lists, with what happens now over it, in families. Pure.
import type { Schemas } from '@/api/client'

export type Entry = Schemas['ModelEntry']
export type Figures = Schemas['ModelFigures']
export type Format = Entry['format']
/** `busy` is a ready model that answers now. */
export type State = 'unloaded' | 'starting' | 'ready' | 'busy' | 'stopping' | 'failed'
export type Sort = 'name' | 'size' | 'used' | 'state'

export interface Row {
  entry: Entry
  state: State
  /** Why it failed, or cannot be loaded. */
  reason: string | null
  /** Of a load, 0 to 1. */
  progress: number | null
  /** Bytes it takes now, of RAM and of GPUs together; null where it takes none, or nobody knows. */
  memory: number | null
  /** Seconds since 1970. */
  lastUsed: number | null
  expiresAt: number | null
  waiting: number
}

export interface Family {
  name: string
  rows: readonly Row[]
}

export interface Wanted {
  text: string
  format: Format | 'all'
  state: 'all' | 'loaded' | 'unloaded' | 'failed'
  sort: Sort
}

/** One row for each entry, with the figures of its workers over it. */
export function rowsOf(entries: readonly Entry[], figures: readonly Figures[] | null): Row[] {
  const live = new Map<string, Figures[]>()
  for (const each of figures ?? []) live.set(each.model, [...(live.get(each.model) ?? []), each])
  return entries.map((entry) => rowOf(entry, live.get(entry.id) ?? [], figures !== null))
}

function rowOf(entry: Entry, live: readonly Figures[], known: boolean): Row {
  const best = live.toSorted((a, b) => RANK.indexOf(a.state) - RANK.indexOf(b.state))[0]
  // A file that cannot be read is not loaded, whatever became of its worker.
  const broken = entry.state === 'failed' && best?.state !== 'failed' && best?.state !== 'ready'
  const state = broken ? 'failed' : known && best !== undefined ? best.state : known && entry.state !== 'failed' ? 'unloaded' : entry.state
  const placements = live.length > 0 ? live.map((one) => one.placement) : [entry.placement]
  const busy = live.some((one) => one.active > 0)
  return {
    entry,
    state: state === 'ready' && busy ? 'busy' : state,
    reason: broken ? entry.reason : (best?.reason ?? entry.reason),
    progress: best?.progress ?? null,
    memory: state === 'ready' ? taken(placements) : null,
    lastUsed: latest(live.map((one) => one.last_used)),
    expiresAt: best?.expires_at ?? null,
    waiting: live.reduce((sum, one) => sum + one.waiting, 0),
  }
}

const RANK: readonly Figures['state'][] = ['ready', 'starting', 'stopping', 'failed', 'unloaded']

function taken(placements: readonly (Schemas['Placement'] | null)[]): number | null {
  const known = placements.filter((one) => one !== null)
  if (known.length === 0) return null
  return known.reduce((sum, one) => sum + (one.memory ?? one.reserved) + one.device_memory, 0)
}

function latest(times: readonly (number | null)[]): number | null {
  const known = times.filter((one) => one !== null)
  return known.length === 0 ? null : Math.max(...known)
}

/** Of the formats whose files say what is in them, tensor by tensor; speech models and those of other servers are none. */
export function isLanguageModel(format: string): format is 'gguf' | 'mlx' {
  return format === 'gguf' || format === 'mlx'
}

export function isLoaded(state: State): boolean {
  return state === 'ready' || state === 'busy'
}

const QUANTISATION =
  /[-_.](?:ud-)?(?:i?q\d(?:[-_][a-z0-9]+){0,2}|tq\d_0|b?f16|f32|fp16|fp32|fp8|mxfp4|nvfp4|\d{1,2}[-_]?bits?|int[48]|dwq|gguf|mlx|awq|gptq)$/i

/** A model's name without what says how it was packed: `Qwen3-8B-Q4_K_M` and `Qwen3-8B-4bit` are both `Qwen3-8B`. */
export function baseName(id: string): string {
  let name = id.replace(/\.gguf$/i, '')
  for (;;) {
    const shorter = name.replace(QUANTISATION, '')
    if (shorter === name || shorter === '') return name
    name = shorter
  }
}

/** Rows by what they were packed from, each family sorted by size: the quantisations of a model sit together. */
export function families(rows: readonly Row[], sort: Sort): Family[] {
  const found = new Map<string, Row[]>()
  for (const row of rows) {
    const key = baseName(row.entry.id).toLowerCase()
    found.set(key, [...(found.get(key) ?? []), row])
  }
  const all = [...found.values()].map((members): Family => {
    const ordered = members.toSorted((a, b) => a.entry.size - b.entry.size || a.entry.id.localeCompare(b.entry.id))
    return { name: baseName(ordered[0]?.entry.id ?? ''), rows: ordered }
  })
  return all.toSorted((a, b) => ORDERS[sort](a, b) || a.name.localeCompare(b.name))
}

const ORDERS: Record<Sort, (a: Family, b: Family) => number> = {
  name: (a, b) => a.name.localeCompare(b.name),
  size: (a, b) => most(b, (row) => row.entry.size) - most(a, (row) => row.entry.size),
  used: (a, b) => most(b, (row) => row.lastUsed ?? 0) - most(a, (row) => row.lastUsed ?? 0),
  state: (a, b) => least(a) - least(b),
}
const STATES: readonly State[] = ['busy', 'ready', 'starting', 'stopping', 'failed', 'unloaded']

function most(family: Family, figure: (row: Row) => number): number {
  return Math.max(...family.rows.map(figure))
}

function least(family: Family): number {
  return Math.min(...family.rows.map((row) => STATES.indexOf(row.state)))
}

/** What of the list is asked for: words are found in names, aliases, formats and quantisations. */
export function filtered(rows: readonly Row[], wanted: Wanted): Row[] {
  const words = wanted.text.toLowerCase().split(/\s+/).filter((word) => word !== '')
  return rows.filter((row) => {
    const { entry } = row
    if (wanted.format !== 'all' && entry.format !== wanted.format) return false
    if (wanted.state === 'loaded' && !isLoaded(row.state) && row.state !== 'starting') return false
    if (wanted.state === 'unloaded' && row.state !== 'unloaded') return false
    if (wanted.state === 'failed' && row.state !== 'failed') return false
    const text = [entry.id, ...entry.aliases, entry.format, entry.quantisation, entry.architecture].join(' ').toLowerCase()
    return words.every((word) => text.includes(word))
  })
}
