import { describe, expect, it } from 'vitest'
import { isStalled, isUnderWay, percentOf, titleOf, verbsOf, type Download } from './progress'

function download(more: Partial<Download> = {}): Download {
  return {
    id: 'd', repo: 'o/n', choice: null, revision: 'abc', files: [{ name: 'f.gguf', bytes: 10 }], total: 10, done: 5, speed: 1, eta: 5,
    state: 'running', attempt: 0, retry_in: null, error: null, created: 0, path: null, ...more,
  }
}

describe('a download', () => {
  it('is so far', () => {
    expect(percentOf(download())).toBe(50)
    expect(percentOf(download({ done: 11 }))).toBe(100)
    expect(percentOf(download({ total: 0 }))).toBeNull()
  })
  it('stalls where it runs and nothing comes', () => {
    expect(isStalled(download({ speed: 0 }))).toBe(true)
    expect(isStalled(download())).toBe(false)
    expect(isStalled(download({ state: 'paused', speed: 0 }))).toBe(false)
  })
  it.each([
    ['running', ['pause', 'cancel'], true],
    ['retrying', ['retry', 'pause', 'cancel'], true],
    ['paused', ['resume', 'cancel'], true],
    ['failed', ['retry'], false],
    ['done', [], false],
  ] as const)('that is %s', (state, verbs, underWay) => {
    expect(verbsOf(download({ state }))).toEqual(verbs)
    expect(isUnderWay(download({ state }))).toBe(underWay)
  })
  it('has the name of what was chosen', () => {
    expect(titleOf(download({ choice: 'Q4_K_M' }))).toBe('Q4_K_M')
    expect(titleOf(download())).toBe('f.gguf')
    expect(titleOf(download({ files: [] }))).toBe('o/n')
  })
})
