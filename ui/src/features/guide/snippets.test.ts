import { execFileSync } from 'node:child_process'

import { describe, expect, it } from 'vitest'

import { hashOf, masked, placeOf } from './place'
import { cpp, cppRaw, csharp, java, javaBlock, javascript, python, shell } from './quoting'
import { body, json, LANGUAGES, TASKS } from './request'
import { snippet } from './snippets'

const TARGET = { base: 'http://127.0.0.1:8080', model: 'tiny-gguf', key: 'dt-secret-a1f3' }
const HOSTILE = `it's "q" \\ $HOME \`id\` %s \t\u2028 한국어 😀 ??= */ """ )json"`

describe('snippet', () => {
  const all = LANGUAGES.flatMap((language) => TASKS.map((task) => [language, task] as const))

  it.each(all)('%s, %s: has the address, the model and the key', (language, task) => {
    const code = snippet(language, task, TARGET)
    const named = language === 'python' ? '/v1' : task === 'embeddings' ? '/v1/embeddings' : '/v1/chat/completions'
    expect(code).toContain(`http://127.0.0.1:8080${named}`)
    expect(code).toContain('tiny-gguf')
    expect(code).toContain('dt-secret-a1f3')
    expect(code).not.toMatch(/undefined|\[object/)
    expect(code.split('\n').every((line) => line.length <= 130)).toBe(true)
  })

  it.each(all)('%s, %s: says nothing of a key where none is asked for', (language, task) => {
    const code = snippet(language, task, { ...TARGET, key: '' })
    expect(code.toLowerCase()).not.toContain('bearer')
    expect(code.toLowerCase()).not.toContain('authorization')
  })

  it('asks for what the task is', () => {
    expect(body('stream', 'm')).toMatchObject({ stream: true })
    expect(body('tools', 'm')).toHaveProperty('tools')
    expect(body('embeddings', 'm')).toHaveProperty('input')
    for (const task of TASKS) expect(JSON.parse(json(task, HOSTILE))).toEqual(body(task, HOSTILE))
  })
})

describe('quoting', () => {
  it('is what a shell reads', () => {
    const read = execFileSync('sh', ['-c', `printf '%s' ${shell(HOSTILE)}`], { encoding: 'utf8' })
    expect(read).toBe(HOSTILE)
  })

  it('is what JavaScript reads', () => {
    // eslint-disable-next-line no-new-func, @typescript-eslint/no-implied-eval
    expect(new Function(`return ${javascript(HOSTILE)}`)()).toBe(HOSTILE)
  })

  it('is what Python reads', () => {
    const code = `import sys; sys.stdout.reconfigure(encoding="utf-8", newline=""); sys.stdout.write(${python(HOSTILE)})`
    expect(execFileSync('python3', ['-c', code], { encoding: 'utf8' })).toBe(HOSTILE)
  })

  it('keeps C++ from reading more into it', () => {
    expect(cpp('a\u0001b??=')).toBe('"a\\001b?\\?="')
    expect(cpp('\\u0041')).toBe('"\\\\u0041"')
    expect(cppRaw('x)json"y')).toBe('R"json_(x)json"y)json_"')
  })

  it('keeps Java and C# from ending early', () => {
    expect(java('\\u0022 "')).toBe('"\\\\u0022 \\""')
    expect(javaBlock('{"a": "\\""}', '  ')).toBe('"""\n  {"a": "\\\\""}"""')
    expect(csharp('a\u0085\u2028b')).toBe('"a\\u0085\\u2028b"')
  })
})

describe('place', () => {
  it('is named by the address, and back', () => {
    for (const language of LANGUAGES)
      for (const task of TASKS) expect(placeOf(hashOf({ language, task }))).toEqual({ language, task })
    expect(placeOf('#python')).toEqual({ language: 'python', task: 'chat' })
    expect(placeOf('#pascal-chat')).toBeUndefined()
    expect(placeOf('#python-poem')).toBeUndefined()
    expect(placeOf('')).toBeUndefined()
  })

  it('shows no more of a key than its end', () => {
    expect(masked(TARGET.key)).toBe('••••a1f3')
    expect(masked('short')).toBe('••••')
    expect(masked('')).toBe('')
  })
})
