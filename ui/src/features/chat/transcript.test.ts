import { describe, expect, it } from 'vitest'
import { fileName, lastCode, markdownOf, transcript } from './transcript'
import type { Message, Part } from './types'

function said(role: Message['role'], ...parts: Part[]): Message {
  return {
    id: role,
    parent_id: null,
    role,
    parts,
    model: null,
    params: null,
    usage: null,
    timings: null,
    finish_reason: null,
    status: 'complete',
    error: null,
    run_id: null,
    created_at: 0,
  }
}
const text = (value: string): Part => ({ type: 'text', text: value })

it('copies what was said, not what was thought', () => {
  expect(markdownOf(said('assistant', { type: 'reasoning', text: 'hmm', seconds: 1 }, text('**yes**')))).toBe('**yes**')
})

it('finds the last code', () => {
  expect(lastCode('a\n```py\n1\n```\nb\n~~~~js\n2\n3\n~~~~\n')).toBe('2\n3')
  expect(lastCode('none')).toBeNull()
  expect(lastCode('```\nopen')).toBeNull()
})

describe('transcript', () => {
  const path = [said('user', text('first')), said('assistant', text('second')), said('user', text('third'))]
  const names = { user: 'U', assistant: 'A' }

  it('has every turn where there is room', () => {
    expect(transcript(path, names, 1000)).toBe('U: first\n\nA: second\n\nU: third')
  })

  it('keeps the newest, within the limit', () => {
    const long = Array.from({ length: 50 }, (_, index) => said('user', text(`${index}-${'x'.repeat(100)}`)))
    const found = transcript(long, names, 1000)
    expect(found.length).toBeLessThanOrEqual(1000)
    expect(found).toContain('49-')
    expect(found).not.toContain('U: 0-')
  })
})

it('names files as file systems like it', () => {
  expect(fileName('GGUF / MLX: which?', 'md')).toBe('GGUF MLX which.md')
  expect(fileName('///', 'json')).toBe('chat.json')
})
