import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { inWords } from './codes'

const api = readFileSync(join(import.meta.dirname, '../../../docs/api.md'), 'utf-8')
const table = api.split('| status | codes |')[1]?.split('\n\n')[0] ?? ''
// Of a row, what is in brackets is about the code before it.
const codes = new Set([...table.replaceAll(/\([^)]*\)/g, '').matchAll(/`([a-z_]+)`/g)].map(([, code]) => code ?? ''))

it('has a Korean sentence of its own for each code of the API', () => {
  expect(codes.size).toBeGreaterThan(90)
  const said = (code: string) => inWords(code, 418)
  const others = said('no such code')
  expect([...codes].filter((code) => said(code) === others)).toEqual([])
})
