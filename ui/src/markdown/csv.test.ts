import { expect, it } from 'vitest'
import { csvOf } from './csv'

it('quotes what has to be quoted, and runs nothing', () => {
  expect(
    csvOf([
      ['a', 'b,c'],
      ['say "hi"', '-1.5'],
      ['=SUM(A1)', 'two\nlines'],
    ]),
  ).toBe('a,"b,c"\r\n"say ""hi""",-1.5\r\n\'=SUM(A1),"two\nlines"')
})
