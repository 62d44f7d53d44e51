import { describe, expect, it } from 'vitest'
import { baseName, families, filtered, rowsOf, type Entry, type Figures, type Wanted } from './entries'

function entry(id: string, more: Partial<Entry> = {}): Entry {
  return {
    id, created: 0, format: 'gguf', state: 'unloaded', reason: null, context: 4096, size: 1000, quantisation: 'Q4_K_M',
    capabilities: ['chat'], aliases: [], sampling: {}, placement: null, path: `/m/${id}.gguf`, source: 'folder', settings: {},
    architecture: 'llama', parameters: 8e9, trained_context: 8192, files: [`${id}.gguf`], ...more,
  }
}

function figures(model: string, more: Partial<Figures> = {}): Figures {
  return {
    id: model, model, format: 'gguf', state: 'ready', reason: null, context: 4096, slots: 4, active: 0, waiting: 0,
    placement: { memory: 600, reserved: 700, device_memory: 50, gpu_layers: 1, layers: 10 }, progress: null, last_used: 100, expires_at: 400,
    ...more,
  }
}

const ALL: Wanted = { text: '', format: 'all', state: 'all', sort: 'name' }

describe('rows', () => {
  it('take the state, memory and times of the live figures', () => {
    const [row] = rowsOf([entry('a')], [figures('a', { active: 1 })])
    expect(row).toMatchObject({ state: 'busy', memory: 650, lastUsed: 100, expiresAt: 400 })
  })
  it('are unloaded where the server has told all that run and this is none of them', () => {
    expect(rowsOf([entry('a', { state: 'ready' })], [])[0]?.state).toBe('unloaded')
    expect(rowsOf([entry('a', { state: 'ready' })], null)[0]?.state).toBe('ready')
  })
  it('say of a file that cannot be read why', () => {
    const [row] = rowsOf([entry('a', { state: 'failed', reason: 'truncated' })], [])
    expect(row).toMatchObject({ state: 'failed', reason: 'truncated', memory: null })
  })
  it('show a failed load with its reason, and what it takes only while it is loaded', () => {
    const [row] = rowsOf([entry('a')], [figures('a', { state: 'failed', reason: 'no memory', placement: null })])
    expect(row).toMatchObject({ state: 'failed', reason: 'no memory', memory: null })
  })
  it('put all workers of a model into one', () => {
    const [row] = rowsOf([entry('a')], [figures('a'), figures('a', { id: 'a:mean', last_used: 300 })])
    expect(row).toMatchObject({ memory: 1300, lastUsed: 300 })
  })
})

describe('families', () => {
  it.each([
    ['Qwen3-8B-Q4_K_M', 'Qwen3-8B'],
    ['Qwen3-8B-UD-Q4_K_XL', 'Qwen3-8B'],
    ['Qwen3-8B-4bit', 'Qwen3-8B'],
    ['Llama-3.2-1B-Instruct-GGUF', 'Llama-3.2-1B-Instruct'],
    ['model.IQ2_XXS.gguf', 'model'],
    ['gemma-3-4b-it-qat-4bit', 'gemma-3-4b-it-qat'],
    ['phi-4-mini-MLX-8bit', 'phi-4-mini'],
    ['mixtral-8x7b', 'mixtral-8x7b'],
    ['Q8_0', 'Q8_0'],
  ])('%s is a %s', (id, base) => {
    expect(baseName(id)).toBe(base)
  })
  it('hold the quantisations of a model together, the smallest first', () => {
    const rows = rowsOf([entry('b-Q8_0', { size: 9 }), entry('c'), entry('b-Q4_K_M', { size: 5 })], [])
    expect(families(rows, 'name').map((one) => one.rows.map((row) => row.entry.id))).toEqual([['b-Q4_K_M', 'b-Q8_0'], ['c']])
  })
  it('are sorted by what is asked for', () => {
    const rows = rowsOf([entry('a', { size: 1 }), entry('b', { size: 2 })], [figures('b', { last_used: 5 })])
    for (const sort of ['size', 'used', 'state'] as const) expect(families(rows, sort)[0]?.name).toBe('b')
  })
})

describe('the filter', () => {
  const rows = rowsOf([entry('Qwen3-8B-Q4_K_M', { aliases: ['chatty'] }), entry('other', { format: 'mlx' })], [figures('other')])
  it.each([
    [{ text: 'qwen q4' }, 'Qwen3-8B-Q4_K_M'],
    [{ text: 'CHATTY' }, 'Qwen3-8B-Q4_K_M'],
    [{ format: 'mlx' }, 'other'],
    [{ state: 'loaded' }, 'other'],
    [{ state: 'unloaded' }, 'Qwen3-8B-Q4_K_M'],
  ] as const)('%o', (more, id) => {
    expect(filtered(rows, { ...ALL, ...more }).map((row) => row.entry.id)).toEqual([id])
  })
  it('finds nothing where nothing is', () => {
    expect(filtered(rows, { ...ALL, text: 'nobody' })).toEqual([])
    expect(filtered(rows, { ...ALL, state: 'failed' })).toEqual([])
  })
})
