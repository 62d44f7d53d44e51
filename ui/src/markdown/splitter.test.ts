import { describe, expect, it, vi } from 'vitest'
import { EMPTY, type Split, split } from './splitter'

const SAMPLE = `# 제목

Some **bold** text with \`code\` and $x^2$.
Second line.

1. one

   continued

   \`\`\`python
   print("in a list")

   \`\`\`
2. two
- other

\`\`\`python
def f():

    return "\`\`"
\`\`\`

text right before
$$
E = mc^2
$$
right after

\\[
a + b
\\]

$$ x = 1 $$

| a | b |
|---|---|
| 1 | 2 |

> quote
> \`\`\`
> code
> \`\`\`

    indented

    code

~~~
tilde \`\`\`
~~~
* * *

$$ never closed

그래서 **'Q4_K_M'**을 고릅니다.

\`\`\`\`md
\`\`\`js
1
\`\`\`
\`\`\`\`

\`\`\`
open`

function whole(text: string): Split {
  return split(EMPTY, text)
}

function shape(found: Split): string[] {
  return found.blocks.map((block) => `${block.kind}${block.open ? '+' : ''}:${block.source}`)
}

function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296
    return state / 4294967296
  }
}

describe('split', () => {
  it('gives the same blocks wherever the text is cut', () => {
    const once = shape(whole(SAMPLE))
    for (let cut = 0; cut <= SAMPLE.length; cut++) {
      expect(shape(split(whole(SAMPLE.slice(0, cut)), SAMPLE)), `cut at ${cut}`).toEqual(once)
    }
  })

  it('gives the same blocks at every prefix as at once, character by character', () => {
    let found = EMPTY
    for (let end = 1; end <= SAMPLE.length; end++) {
      const text = SAMPLE.slice(0, end)
      found = split(found, text)
      expect(shape(found), `after ${end}`).toEqual(shape(whole(text)))
    }
  })

  it('gives the same blocks for made-up texts, in pieces of any size', () => {
    const pieces = [
      '\n',
      '\n\n',
      '- a',
      '  b',
      '```',
      '```py\n',
      '$$',
      '\\[',
      '\\]',
      '1. x\n',
      '   y',
      'text',
      '> q\n',
      '    c\n',
      '\t',
      '|a|b|\n|-|-|\n',
      '---\n',
      '\r\n',
      '~~~\n',
      '* ',
    ]
    for (let seed = 1; seed <= 300; seed++) {
      const next = random(seed)
      let text = ''
      let found = EMPTY
      for (let count = 0; count < 30; count++) {
        text += pieces[Math.floor(next() * pieces.length)] ?? ''
        if (next() < 0.5) found = split(found, text)
      }
      expect(shape(split(found, text)), JSON.stringify(text)).toEqual(shape(whole(text)))
    }
  })

  it('loses nothing: the blocks joined are the text', () => {
    expect(
      whole(SAMPLE)
        .blocks.map((block) => block.source)
        .join(''),
    ).toBe(SAMPLE)
  })

  it('keeps what is frozen as the same object, and freezes all but the last few blocks', () => {
    const first = whole('one\n\ntwo\n\nthree\n\nfo')
    const second = split(first, 'one\n\ntwo\n\nthree\n\nfour')
    expect(first.frozen).toBe(2)
    expect(second.blocks[0]).toBe(first.blocks[0])
    expect(second.blocks[2]).toBe(first.blocks[2])
    expect(second.blocks[3]?.body).toBe('four')
  })

  it('begins again where the text is another one', () => {
    expect(shape(split(whole('one\n\ntwo'), 'other'))).toEqual(['text:other'])
    expect(shape(split(whole('one\n\ntwo'), 'one'))).toEqual(['text:one'])
  })

  it('takes code out of its fence, open or closed', () => {
    expect(whole('```Python title=x\na\n\nb\n```\n').blocks[0]).toMatchObject({
      kind: 'code',
      language: 'python',
      body: 'a\n\nb',
      open: false,
    })
    expect(whole('```js\na\nb').blocks[0]).toMatchObject({ body: 'a\nb', open: true })
    expect(whole('```js\na\n').blocks[0]).toMatchObject({ body: 'a\n', open: true })
    expect(whole('```').blocks[0]).toMatchObject({ kind: 'code', body: '', open: true })
    expect(whole('  ```\n   a\n  ```').blocks[0]).toMatchObject({ body: ' a' })
  })

  it('does not close a fence with a shorter or another one', () => {
    expect(whole('````\n```\n~~~~\n````\nafter').blocks.map((block) => block.body)).toEqual(['```\n~~~~', 'after'])
  })

  it('knows formulas that stand alone, and text that only looks like one', () => {
    expect(whole('$$\na\n$$').blocks[0]).toMatchObject({ kind: 'math', body: 'a', open: false })
    expect(whole('\\[ a \\]\n').blocks[0]).toMatchObject({ kind: 'math', body: 'a' })
    expect(whole('$$\na').blocks[0]).toMatchObject({ kind: 'math', open: true })
    expect(whole('$$ costs\n\nmore').blocks[0]).toMatchObject({ kind: 'text' })
    expect(whole('$$a$$ and text').blocks[0]).toMatchObject({ kind: 'text' })
  })

  it('keeps a list with what belongs to its items together', () => {
    expect(whole('- a\n\n  b\n\n- c\n\nend').blocks.map((block) => block.source)).toEqual([
      '- a\n\n  b\n\n- c\n\n',
      'end',
    ])
    expect(whole('1. a\n```\nx\n```\n2. b').blocks.map((block) => block.kind)).toEqual(['text', 'code', 'text'])
  })

  it('looks at the new lines alone while code of 1,000 lines is written', () => {
    const looked = vi.spyOn(String.prototype, 'trim')
    const code = `text\n\n\`\`\`python\n${Array.from({ length: 1000 }, (_, line) => `value_${line} = compute(${line})\n`).join('')}`
    let now = EMPTY
    for (let end = 40; end < code.length + 40; end += 40) now = split(now, code.slice(0, end))
    const { length: count } = looked.mock.calls
    looked.mockRestore()
    expect(now.blocks.at(-1)?.body.split('\n')).toHaveLength(1001)
    expect(count).toBeLessThan(10_000)
    expect(split(EMPTY, code).blocks).toEqual(now.blocks)
  })
})
