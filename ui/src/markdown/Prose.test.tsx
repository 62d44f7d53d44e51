import { cleanup, render } from '@testing-library/react'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Parsed } from './Parsed'
import { Prose } from './Prose'

const work = vi.hoisted(() => ({ parsed: 0 }))

vi.mock('react-markdown', async (original) => {
  const real = await original<typeof import('react-markdown')>()
  const counted: typeof real.default = (options) => {
    work.parsed += options.children?.length ?? 0
    return real.default(options)
  }
  return { ...real, default: counted }
})

const PIECE = 'some **bold** words, `code_a`, 그래서 **굵게**를 쓰고, [a link](https://example.com/a_b), '
const text = Array.from({ length: 80 }, (_, index) => `${PIECE.repeat(2)}$a_{${index}} + \\frac{${index}}{2}$ and`).join(' ')

afterEach(cleanup)

describe('Prose', () => {
  it('shows a long paragraph as it would be shown in one piece', () => {
    const whole = render(<Parsed text={text} isGrowing={false} />).container.innerHTML
    const cut = render(<Prose text={text} isGrowing={false} />).container.innerHTML
    expect(cut).toBe(whole)
  })

  it('parses what is new of a paragraph of 16,000 characters with 80 formulas, and little of what it has', () => {
    const { rerender, container } = render(<Prose text="" isGrowing />)
    work.parsed = 0
    let drawings = 0
    for (let end = 80; end < text.length; end += 80) {
      rerender(<Prose text={text.slice(0, end)} isGrowing />)
      drawings++
    }
    rerender(<Prose text={text} isGrowing={false} />)
    expect(text.length).toBeGreaterThan(15_000)
    expect(work.parsed / drawings).toBeLessThan(1000)
    expect(container.innerHTML).toBe(render(<Prose text={text} isGrowing={false} />).container.innerHTML)
  }, 60_000)
})
