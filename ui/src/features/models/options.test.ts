import { describe, expect, it } from 'vitest'
import { change, draftOf, OPTIONS, optionsOf, parsed, refusals } from './options'

const option = (key: string) => {
  const found = OPTIONS.find((one) => one.key === key)
  if (found === undefined) throw new Error(key)
  return found
}

describe('the form', () => {
  it('shows what the settings say, and what nobody said as nothing', () => {
    const draft = draftOf({ context: 8192, gpu_layers: -1, cache_ram: 1024 ** 3, aliases: ['a', 'b'], pin: true, sampling: { top_k: 40 }, path: '/x' })
    expect(draft).toMatchObject({ context: '8192', gpu_layers: 'auto', cache_ram: '1024', aliases: 'a, b', pin: 'true', 'sampling.top_k': '40', ttl: '' })
  })
  it('says nothing of what was not touched', () => {
    const before = draftOf({ context: 8192, sampling: { top_k: 40 } })
    expect(change(before, before, 'gguf')).toEqual({ patch: {}, changed: [], problems: {}, reload: false })
  })
  it('becomes a merge patch: what is emptied is taken out', () => {
    const before = draftOf({ context: 8192, ttl: 60, sampling: { top_k: 40, min_p: 0.1 } })
    const now = { ...before, context: '', ttl: '0', 'sampling.top_k': '20', 'sampling.min_p': '', flash_attention: 'false', gpu_layers: 'AUTO' }
    expect(change(before, now, 'gguf').patch).toEqual({
      context: null, ttl: 0, sampling: { top_k: 20, min_p: null }, flash_attention: false, gpu_layers: 'auto',
    })
  })
  it('knows what takes another load', () => {
    const before = draftOf({})
    expect(change(before, { ...before, ttl: '5' }, 'gguf').reload).toBe(false)
    expect(change(before, { ...before, context: '4,096' }, 'gguf')).toMatchObject({ reload: true, patch: { context: 4096 } })
  })
  it('offers a model what its engine has', () => {
    const mlx = optionsOf('mlx').map((one) => one.key)
    expect(mlx).toContain('context')
    expect(mlx).not.toContain('gpu_layers')
    expect(optionsOf('remote').map((one) => one.key)).not.toContain('batch')
    expect(new Set(optionsOf('whisper' as 'gguf').map((one) => one.group))).toEqual(new Set(['keeping', 'names']))
    const before = draftOf({})
    expect(change(before, { ...before, gpu_layers: '3' }, 'mlx').patch).toEqual({})
  })
  it('finds what was refused, setting by setting', () => {
    const said = 'models.a.b.context: Input should be at least 64: 9\nmodels.a.b.sampling.top_p: too much\nmodels.other.ttl: no\nmodels.a.b.nobody: no'
    expect(refusals(said, 'a.b')).toEqual({ context: 'Input should be at least 64: 9', 'sampling.top_p': 'too much' })
  })
  it.each([
    ['context', '12', { kind: 'range', low: 64, high: 1 << 24 }],
    ['context', 'many', { kind: 'number' }],
    ['ttl', '1,5', { kind: 'number' }],
    ['parallel', '1.5', { kind: 'whole' }],
    ['mmproj', 'relative.gguf', { kind: 'path' }],
    ['sampling.temperature', '3', { kind: 'range', low: 0, high: 2 }],
  ])('%s cannot be %s', (key, text, problem) => {
    expect(parsed(option(key), text)).toEqual({ problem })
  })
  it.each([
    ['cache_ram', '0.5', 524_288],
    ['ttl', '1.5', 1.5],
    ['cache_ram', '1,024', 1024 ** 3],
    ['aliases', 'a,b  c', ['a', 'b', 'c']],
    ['mmproj', 'C:\\m.gguf', 'C:\\m.gguf'],
    ['gpu_layers', '0', 0],
  ])('%s can be %s', (key, text, value) => {
    expect(parsed(option(key), text)).toEqual({ value })
  })
})
