/** The tools of a conversation: functions that the model may ask for, kept among its parameters. */
import { isObject } from '@/api/json'
import { withField } from './params'
import type { Params } from './types'

export interface Tool {
  readonly type: 'function'
  readonly function: { readonly name: string; readonly [field: string]: unknown }
}

/** Whether a tool has to be called: as the model sees fit, at least one, or none at all. */
export type ToolChoice = 'auto' | 'required' | 'none'
export const TOOL_CHOICES: readonly ToolChoice[] = ['auto', 'required', 'none']

export type ToolsRead = { readonly tools: readonly Tool[] } | { readonly wrong: ToolsWrong; readonly name?: string }
export type ToolsWrong = 'json' | 'list' | 'name' | 'twice'

export const EXAMPLE: readonly Tool[] = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'The weather in a city, now.',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  },
]

/** As many as the parameters have, whatever is in them. */
export function toolCount(params: Params): number {
  const { tools } = params
  return Array.isArray(tools) ? tools.length : 0
}

export function written(params: Params): string {
  return toolCount(params) === 0 ? '' : JSON.stringify(params['tools'], null, 2)
}

/** Tools as a person writes them: a list of functions, or of tools around them, or one by itself; nothing is no tool. */
export function toolsOf(text: string): ToolsRead {
  if (text.trim() === '') return { tools: [] }
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch {
    return { wrong: 'json' }
  }
  const list: readonly unknown[] | null = Array.isArray(found) ? found : isObject(found) ? [found] : null
  if (list === null) return { wrong: 'list' }
  const tools: Tool[] = []
  for (const one of list) {
    const tool = toolOf(one)
    if (tool === null) return { wrong: 'name' }
    const { name } = tool.function
    if (tools.some((other) => other.function.name === name)) return { wrong: 'twice', name }
    tools.push(tool)
  }
  return { tools }
}

function toolOf(value: unknown): Tool | null {
  if (!isObject(value)) return null
  const inner = 'function' in value ? value['function'] : value
  if (!isObject(inner) || typeof inner['name'] !== 'string' || inner['name'] === '') return null
  return { ...(inner === value ? {} : value), type: 'function', function: { ...inner, name: inner['name'] } }
}

/** `params` with these tools, and no choice of one that is not among them any more. */
export function withTools(params: Params, tools: readonly Tool[]): Params {
  const next = withField(params, 'tools', tools.length > 0 ? tools : undefined)
  const isKept = tools.length > 0 && (choiceOf(params) !== null || tools.some((one) => one.function.name === chosenName(params)))
  return isKept ? next : withField(next, 'tool_choice', undefined)
}

function chosenName(params: Params): unknown {
  const { tool_choice: choice } = params
  const inner = isObject(choice) ? choice['function'] : undefined
  return isObject(inner) ? inner['name'] : undefined
}

/** Null for one that is none of these: a tool by its name, written in the parameters' JSON. */
export function choiceOf(params: Params): ToolChoice | null {
  const { tool_choice: choice = 'auto' } = params
  return TOOL_CHOICES.find((one) => one === choice) ?? null
}

export function withChoice(params: Params, choice: ToolChoice): Params {
  return withField(params, 'tool_choice', choice === 'auto' ? undefined : choice)
}
