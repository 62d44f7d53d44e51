import { describe, expect, it } from 'vitest'
import { closed, formulas } from './inline'

describe('formulas', () => {
  it.each([
    ['costs $5 and $10', 'costs \\$5 and \\$10'],
    ['so $x$ is', 'so $x$ is'],
    ['\\(a+b\\) and \\[c\\]', '$a+b$ and $\\displaystyle c$'],
    ['$$a$$ inline', '$\\displaystyle a$ inline'],
    ['`$x$` stays, $y$ not', '`$x$` stays, $y$ not'],
    ['already \\$5', 'already \\$5'],
    ['$HOME and text', '\\$HOME and text'],
    ['no dollars', 'no dollars'],
    ['- item\n  ```\n  $x\n  ```', '- item\n  ```\n  $x\n  ```'],
  ])('%s', (text, expected) => {
    expect(formulas(text)).toBe(expected)
  })
})

describe('closed', () => {
  it.each([
    ['a **bold', 'a **bold**'],
    ['a **bold**', 'a **bold**'],
    ['a `cod', 'a `cod`'],
    ['a `**` b', 'a `**` b'],
    ['see [the docs](http://exa', 'see the docs'],
    ['see [the do', 'see the do'],
    ['~~gone', '~~gone~~'],
    ['a **', 'a '],
    ['plain', 'plain'],
    ['a \\*\\* b', 'a \\*\\* b'],
  ])('%s', (text, expected) => {
    expect(closed(text)).toBe(expected)
  })
})
