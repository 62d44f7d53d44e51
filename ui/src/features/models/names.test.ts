import { describe, expect, it } from 'vitest'
import { fileName, idProblem, repoOf, suggestedId } from './names'

describe('ids', () => {
  it.each([
    ['', 'empty'],
    ['a'.repeat(129), 'long'],
    ['with space', 'letters'],
    ['-dash', 'letters'],
    ['a/b', 'letters'],
    ['Mine', 'taken'],
    ['other', null],
    ['한국어-모델_1.5', null],
  ])('%s: %s', (id, problem) => {
    expect(idProblem(id, ['mine'])).toBe(problem)
  })
  it.each([
    ['/models/Qwen3 8B (new).gguf', 'Qwen3-8B-new-'],
    ['/models/big-00001-of-00003.gguf', 'big'],
    ['/models/folder/', 'folder'],
    ['C:\\models\\a.gguf', 'a'],
  ])('of %s is %s', (path, id) => {
    expect(suggestedId(path)).toBe(id)
  })
})

describe('repositories', () => {
  it.each([
    ['Qwen/Qwen3-8B-GGUF', { repo: 'Qwen/Qwen3-8B-GGUF', choice: null }],
    [' Qwen/Qwen3-8B-GGUF:Q4_K_M ', { repo: 'Qwen/Qwen3-8B-GGUF', choice: 'Q4_K_M' }],
    ['Qwen/Qwen2.5-1.5B-Instruct-GGUF/qwen2.5-q3_k_m.gguf', { repo: 'Qwen/Qwen2.5-1.5B-Instruct-GGUF', choice: 'qwen2.5-q3_k_m.gguf' }],
    ['https://huggingface.co/a/b', { repo: 'a/b', choice: null }],
    ['https://huggingface.co/a/b/tree/main', { repo: 'a/b', choice: null }],
    ['https://huggingface.co/a/b/blob/main/sub/f.gguf?download=true', { repo: 'a/b', choice: 'sub/f.gguf' }],
    ['hf.co/a/b:Q8_0', { repo: 'a/b', choice: 'Q8_0' }],
    ['llama 3', null],
    ['owner', null],
    ['a/../b', null],
  ])('%s', (text, repo) => {
    expect(repoOf(text)).toEqual(repo)
  })
})

it('a path without its folders', () => {
  expect(fileName('/a/b/c.gguf')).toBe('c.gguf')
})
