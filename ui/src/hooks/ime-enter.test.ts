import { describe, expect, it } from 'vitest'
import { ImeEnter, type Key, modEnter, plainEnter, type Wants } from './ime-enter'

const PLAIN: Key = {
  key: 'Enter',
  keyCode: 13,
  isComposing: false,
  shiftKey: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
}
const COMPOSING: Key = { ...PLAIN, keyCode: 229, isComposing: true }
const PROCESS: Key = { ...PLAIN, keyCode: 229 }

function typing(wants: Wants = plainEnter): { ime: ImeEnter; sent: () => number; pass: (ms: number) => void } {
  let [time, sent] = [1000, 0]
  const soon: (() => void)[] = []
  const around = { now: () => time, soon: (then: () => void) => void soon.push(then) }
  const ime = new ImeEnter(() => sent++, wants, around)
  const settle = (): void => {
    for (const then of soon.splice(0)) then()
  }
  return {
    ime,
    sent: () => {
      settle()
      return sent
    },
    pass: (ms) => {
      settle()
      time += ms
    },
  }
}

describe('Hangul and Enter send once', () => {
  it('keydown, then the end of the composition', () => {
    const { ime, sent } = typing()
    expect(ime.keydown(COMPOSING)).toBe(false)
    ime.compositionend('요')
    expect(sent()).toBe(1)
  })

  it('with a second keydown for the same press', () => {
    const { ime, sent, pass } = typing()
    ime.keydown(COMPOSING)
    ime.compositionend('요')
    pass(10)
    expect(ime.keydown(PLAIN)).toBe(true)
    expect(sent()).toBe(1)
  })

  it('the end of the composition, then keydown', () => {
    const { ime, sent, pass } = typing()
    ime.compositionend('요')
    pass(2)
    expect(ime.keydown(PROCESS)).toBe(true)
    expect(sent()).toBe(1)
  })

  it('and a second message right after', () => {
    const { ime, sent, pass } = typing()
    ime.keydown(COMPOSING)
    ime.compositionend('요')
    pass(200)
    expect(ime.keydown(PLAIN)).toBe(true)
    expect(sent()).toBe(2)
  })
})

describe('candidates are chosen, not sent', () => {
  it('Japanese', () => {
    const { ime, sent } = typing()
    ime.keydown(COMPOSING)
    ime.compositionend('日本')
    expect(sent()).toBe(0)
    expect(ime.keydown(PLAIN)).toBe(true)
    expect(sent()).toBe(1)
  })

  it('Japanese on WebKit, where the key comes after', () => {
    const { ime, sent, pass } = typing()
    ime.compositionend('日本')
    pass(1)
    expect(ime.keydown(PROCESS)).toBe(true)
    expect(sent()).toBe(0)
  })

  it('an Enter that ended nothing is forgotten with the next key', () => {
    const { ime, sent } = typing()
    ime.keydown(COMPOSING)
    ime.keydown({ ...PLAIN, key: 'a', keyCode: 65 })
    ime.compositionend('요')
    expect(sent()).toBe(0)
  })
})

describe('which Enter sends', () => {
  it.each<[string, Wants, Partial<Key>, number]>([
    ['plain', plainEnter, {}, 1],
    ['plain', plainEnter, { shiftKey: true }, 0],
    ['plain', plainEnter, { altKey: true }, 0],
    ['plain', plainEnter, { ctrlKey: true }, 1],
    ['mod', modEnter, {}, 0],
    ['mod', modEnter, { metaKey: true }, 1],
    ['mod', modEnter, { ctrlKey: true }, 1],
    ['mod', modEnter, { ctrlKey: true, shiftKey: true }, 0],
  ])('%s: %o', (_name, wants, how, expected) => {
    const { ime, sent } = typing(wants)
    expect(ime.keydown({ ...PLAIN, ...how })).toBe(expected === 1)
    expect(sent()).toBe(expected)
  })
})
