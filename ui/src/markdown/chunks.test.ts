import { describe, expect, it } from 'vitest'
import { chunksOf, pieces } from './chunks'

const text = (count: number): string => Array.from({ length: count }, (_, index) => `line ${index}`).join('\n')

describe('pieces', () => {
  it.each([0, 1, 49, 50, 51, 100, 101])('of %i lines are the code again', (count) => {
    for (const end of ['', '\n']) {
      const code = text(count) + end
      expect(pieces(code).join('')).toBe(code)
      expect(Math.max(...pieces(code).map((piece) => piece.split('\n').length))).toBeLessThanOrEqual(51)
    }
  })

  it('stay the same while the code grows', () => {
    const before = pieces(text(120))
    expect(pieces(text(180)).slice(0, 2)).toEqual(before.slice(0, 2))
  })
})

describe('chunksOf', () => {
  it('closes what a cut goes through, and opens it again', () => {
    const html = '<span class="a">1\n<span class="b">2\n3</span>\n4</span>\n5'
    expect(chunksOf(html, 2)).toEqual([
      '<span class="a">1\n<span class="b">2\n</span></span>',
      '<span class="a"><span class="b">3</span>\n4</span>\n',
      '5',
    ])
  })
})
