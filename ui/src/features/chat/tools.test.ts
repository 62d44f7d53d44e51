import { describe, expect, it } from 'vitest'
import { choiceOf, EXAMPLE, toolCount, toolsOf, withChoice, withTools, written } from './tools'

const TOOL = { type: 'function', function: { name: 'look', parameters: { type: 'object' } } } as const

describe('toolsOf', () => {
  it('takes functions alone, and tools around them', () => {
    expect(toolsOf(JSON.stringify([TOOL]))).toEqual({ tools: [TOOL] })
    expect(toolsOf(JSON.stringify([TOOL.function]))).toEqual({ tools: [TOOL] })
    expect(toolsOf(JSON.stringify(TOOL))).toEqual({ tools: [TOOL] })
    expect(toolsOf(JSON.stringify(EXAMPLE))).toEqual({ tools: EXAMPLE })
  })
  it('takes nothing for none', () => {
    expect(toolsOf(' \n')).toEqual({ tools: [] })
    expect(toolsOf('[]')).toEqual({ tools: [] })
  })
  it('keeps what it does not know', () => {
    const strict = { ...TOOL, function: { ...TOOL.function, strict: true } }
    expect(toolsOf(JSON.stringify([strict]))).toEqual({ tools: [strict] })
  })
  it.each([
    ['[', { wrong: 'json' }],
    ['"look"', { wrong: 'list' }],
    ['[1]', { wrong: 'name' }],
    ['[{"type": "function"}]', { wrong: 'name' }],
    ['[{"function": null}]', { wrong: 'name' }],
    ['[{"name": ""}]', { wrong: 'name' }],
    ['[{"name": "look"}, {"function": {"name": "look"}}]', { wrong: 'twice', name: 'look' }],
  ])('refuses %s', (text, told) => {
    expect(toolsOf(text)).toEqual(told)
  })
})

it('keeps a choice only while there is something to choose', () => {
  const chosen = withChoice(withTools({ seed: 1 }, [TOOL]), 'required')
  expect(chosen).toEqual({ seed: 1, tools: [TOOL], tool_choice: 'required' })
  expect(toolCount(chosen)).toBe(1)
  expect(toolsOf(written(chosen))).toEqual({ tools: [TOOL] })
  expect(withTools(chosen, [])).toEqual({ seed: 1 })
})

it('drops the choice of a tool that is gone', () => {
  const named = { tools: [TOOL], tool_choice: { type: 'function', function: { name: 'look' } } }
  expect(withTools(named, [TOOL, ...EXAMPLE])['tool_choice']).toEqual(named.tool_choice)
  expect(withTools(named, EXAMPLE)).toEqual({ tools: EXAMPLE })
})

it('says how tools are chosen', () => {
  expect(choiceOf({})).toBe('auto')
  expect(choiceOf({ tool_choice: 'none' })).toBe('none')
  expect(choiceOf({ tool_choice: { type: 'function', function: { name: 'look' } } })).toBeNull()
  expect(withChoice({ tool_choice: 'none' }, 'auto')).toEqual({})
})
