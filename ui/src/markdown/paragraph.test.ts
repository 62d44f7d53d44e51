import { describe, expect, it } from 'vitest'
import { NO_PARAGRAPH, STRETCH, stretched } from './paragraph'

const words = (count: number): string => Array.from({ length: count }, (_, index) => `word${index}`).join(' ')
const of = (text: string): readonly string[] => stretched(NO_PARAGRAPH, text).stretches

const LONG = `${words(90)} **bold** and $a_{1} * b$ and \`code * here\`, 그래서 **굵게**를 ${words(200)} [a link](https://x.example/a_b) \\(x_2\\) a < 3 ${words(90)} end`

describe('stretched', () => {
  it('cuts a long paragraph, and joined its stretches are the text', () => {
    expect(of(LONG).length).toBeGreaterThan(3)
    expect(of(LONG).join(' ')).toBe(LONG)
    expect(Math.max(...of(LONG).map((one) => one.length))).toBeLessThan(3 * STRETCH)
  })

  it('finds the same, however the text arrives, and keeps what it has cut', () => {
    for (const step of [1, 7, 40]) {
      let now = NO_PARAGRAPH
      for (let end = step; end < LONG.length + step; end += step) {
        const next = stretched(now, LONG.slice(0, end))
        if (now.stretches.length > 1) expect(next.stretches.slice(0, now.stretches.length - 1)).toEqual(now.stretches.slice(0, -1))
        now = next
      }
      expect(now.stretches).toEqual(of(LONG))
    }
  })

  it.each(['**open', '*open', '`open', '[open', '$x open', '\\(open', '<a open', '~~open', 'snake_case'])('cuts nothing behind %s', (open) => {
    expect(of(`${open} ${words(200)}`)).toHaveLength(1)
    const text = `${words(60)} ${open} ${words(200)}`
    expect(of(text).slice(0, -1).join(' ')).not.toContain(open)
  })

  it.each(['- ', '1. ', '# ', '> ', '| '])('leaves a block that begins with %s as it is', (mark) => {
    expect(of(mark + words(300))).toHaveLength(1)
    expect(of(`${words(300)}\n${mark}one`)).toHaveLength(1)
  })

  it('leaves what may still become a heading as it is', () => {
    expect(of(`${words(300)}\n===`)).toHaveLength(1)
  })
})
