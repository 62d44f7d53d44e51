import { expect, it } from 'vitest'
import { type Row, rowsOf } from './rows'
import { grow, pathTo } from './tree'
import type { Message, Part } from './types'

function message(id: string, parent: string | null, role: Message['role'], parts: Part[]): Message {
  return {
    id, parent_id: parent, role, parts, model: null, params: null, usage: null, timings: null,
    finish_reason: null, status: 'complete', error: null, run_id: null, created_at: 0,
  }
}

const ASKED = message('a', null, 'user', [{ type: 'text', text: 'weather?' }])
const CALLING = message('b', 'a', 'assistant', [{ type: 'tool_call', id: 'call', name: 'f', arguments: '{}' }])

function said(id: string, text: string): Message {
  return message(id, 'b', 'tool', [{ type: 'tool_result', tool_call_id: 'call', text }])
}

it('is the same for what is shown the same, and another where a tool has said something else', () => {
  const tree = grow([ASKED, CALLING, said('c', '18 degrees'), said('d', '3 degrees')])
  const kept = new Map<string, Row>()
  const first = rowsOf(tree, pathTo(tree, 'c'), kept)
  expect(first.map((row) => row.message.id)).toEqual(['a', 'b'])
  expect(first[1]?.results.get('call')).toBe('18 degrees')
  const again = rowsOf(tree, pathTo(tree, 'c'), kept)
  expect(again.map((row, index) => row === first[index])).toEqual([true, true])
  const other = rowsOf(tree, pathTo(tree, 'd'), kept)
  expect(other.map((row, index) => row === first[index])).toEqual([true, false])
  expect(other[1]?.results.get('call')).toBe('3 degrees')
})

it('keeps no row that is not shown', () => {
  const tree = grow([ASKED, CALLING])
  const kept = new Map<string, Row>()
  rowsOf(tree, pathTo(tree, 'b'), kept)
  rowsOf(tree, pathTo(tree, 'a'), kept)
  expect([...kept.keys()]).toEqual(['a'])
})
