import { describe, expect, it } from 'vitest'
import { askOf, FRESH, loadOptions, nameOf, problemsOf } from './ask-settings'

describe('problemsOf', () => {
  it('names what is missing or wrong of the chosen source', () => {
    expect(problemsOf(FRESH)).toEqual(['model'])
    expect(problemsOf({ ...FRESH, source: 'hub', repo: 'x', file: 'y' })).toEqual(['repo', 'file'])
    expect(problemsOf({ ...FRESH, source: 'file', path: 'models/a.gguf' })).toEqual(['path'])
    expect(problemsOf({ ...FRESH, model: 'm', context: '0', layers: '-2', maxTokens: 'x' })).toEqual([
      'context',
      'layers',
      'maxTokens',
    ])
  })

  it('takes what is right', () => {
    expect(problemsOf({ ...FRESH, model: 'm', context: '2048', layers: '-1' })).toEqual([])
    expect(problemsOf({ ...FRESH, source: 'hub', repo: 'Qwen/Qwen2.5-GGUF', file: 'q.gguf' })).toEqual([])
    expect(problemsOf({ ...FRESH, source: 'file', path: '/a/b.gguf' })).toEqual([])
    expect(problemsOf({ ...FRESH, source: 'file', path: 'C:\\a\\b.gguf' })).toEqual([])
  })
})

describe('askOf', () => {
  it('asks an installed model', () => {
    expect(askOf({ ...FRESH, model: 'm', stream: false }, 'Hi')).toEqual({
      path: '/api/v1/benchmarks/ask',
      body: { model: 'm', prompt: 'Hi', stream: false, max_tokens: 256 },
    })
  })

  it('asks a file of the hub with its load options', () => {
    const said = { ...FRESH, source: 'hub' as const, repo: ' o/n ', file: 'f.gguf', context: '2048', layers: '-1' }
    expect(askOf(said, 'Hi')).toEqual({
      path: '/api/chat/completions',
      body: {
        repo_id: 'o/n',
        filename: 'f.gguf',
        model_params: { n_ctx: 2048, n_gpu_layers: -1 },
        prompt: 'Hi',
        stream: true,
        local: false,
      },
    })
    expect(nameOf(said)).toContain('f.gguf')
  })

  it('asks a local file', () => {
    const { body } = askOf({ ...FRESH, source: 'file', path: '/m/f.gguf' }, 'Hi')
    expect(body).toEqual({ filename: '/m/f.gguf', model_params: {}, prompt: 'Hi', stream: true, local: true })
  })
})

it('load options are those of an installed model alone, and only those that are said', () => {
  expect(loadOptions({ ...FRESH, context: '10' })).toEqual({ context: 10 })
  expect(loadOptions(FRESH)).toBeNull()
  expect(loadOptions({ ...FRESH, source: 'hub', context: '10' })).toBeNull()
})
