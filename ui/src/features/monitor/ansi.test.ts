import { describe, expect, it } from 'vitest'

import { pieces, withoutEscapes } from './ansi'

const E = '\u001b'

describe('pieces', () => {
  it('takes colours, weights and their ends', () => {
    expect(pieces(`a${E}[1;31mred${E}[39m bold${E}[22m${E}[92mbright${E}[0mz`)).toEqual([
      { text: 'a' },
      { text: 'red', colour: 1, bold: true },
      { text: ' bold', bold: true },
      { text: 'bright', colour: 10 },
      { text: 'z' },
    ])
  })

  it('takes the first sixteen of 256 colours and passes over the others', () => {
    expect(pieces(`${E}[38;5;9mred${E}[0;38;2;1;2;3mx${E}[38;5;200my`)).toEqual([
      { text: 'red', colour: 9 },
      { text: 'x' },
      { text: 'y' },
    ])
  })

  it('shows nothing of what a terminal would obey', () => {
    expect(withoutEscapes(`a${E}[2Kb${E}]0;title\u0007c${E}]8;;http://x${E}\\d${E}[?25le${E}`)).toBe('abcde')
    expect(pieces(`${E}[2J`)).toEqual([])
    expect(pieces('')).toEqual([])
  })
})
