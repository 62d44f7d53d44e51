import { describe, expect, it } from 'vitest'
import { bodyOf, counts, FRESH } from './run-form'

describe('counts', () => {
  it.each([
    ['512', [512]],
    [' 512, 4096 ,512', [512, 4096]],
    ['2 3', [2, 3]],
    ['', null],
    ['1', null],
    ['5.5', null],
    ['1e3', null],
    ['-4', null],
    ['1,2,3,4,5,6,7,8,9', null],
    ['99999999', null],
  ])('reads %o', (text, wanted) => {
    expect(counts(text, 2, 1 << 20)).toEqual(wanted)
  })
})

describe('bodyOf', () => {
  it('is what the server takes', () => {
    const form = { ...FRESH, models: ['a', 'b'], prompt: '512,4096', name: 'n' }
    expect(bodyOf(form)).toEqual({
      body: {
        models: ['a', 'b'],
        prompt: [512, 4096],
        gen: [128],
        streams: [1],
        repeat: 3,
        warmup: true,
        name: 'n',
        quality: {},
        when_busy: 'wait',
      },
    })
    expect(bodyOf({ ...form, quality: false })).toMatchObject({ body: { quality: null } })
  })

  it('names every field that is wrong', () => {
    expect(bodyOf({ ...FRESH, prompt: 'x', gen: '', streams: '0', repeat: '1,2' })).toEqual({
      problems: ['models', 'prompt', 'gen', 'streams', 'repeat'],
    })
  })
})
