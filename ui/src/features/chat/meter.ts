/** How full the context is, and with what. Token counts are the server's; how they divide is by the length of texts. */
import type { Message, Params } from './types'

export type Level = 'ok' | 'warn' | 'full'
/** From these shares of the context on. */
export const WARN = 0.8
export const FULL = 0.95

export interface Meter {
  readonly max: number
  /** Tokens of the branch as the server last counted them; 0 before the first answer. */
  readonly used: number
  /** Of these, what the server had computed before. */
  readonly cached: number
  /** Kept free for the answer, where its length is limited. */
  readonly reserve: number
  readonly share: number
  readonly level: Level
  readonly split: { readonly system: number; readonly files: number; readonly history: number }
}

export function meter(path: readonly Message[], max: number, systemPrompt: string, params: Params): Meter {
  const last = path.findLast((message) => message.usage !== null)
  const used =
    last?.usage === undefined || last.usage === null ? 0 : last.usage.prompt_tokens + last.usage.completion_tokens
  const asked = params['max_tokens']
  const reserve = typeof asked === 'number' && asked > 0 ? Math.min(asked, Math.max(0, max - used)) : 0
  const share = max > 0 ? Math.min(1, (used + reserve) / max) : 0
  const level = share >= FULL ? 'full' : share >= WARN ? 'warn' : 'ok'
  const cached = last?.usage?.prompt_tokens_details.cached_tokens ?? 0
  return { max, used, cached, reserve, share, level, split: divided(path, used, systemPrompt) }
}

function divided(path: readonly Message[], used: number, systemPrompt: string): Meter['split'] {
  let [files, texts] = [0, 0]
  for (const message of path)
    for (const part of message.parts) {
      if (part.type === 'text' || part.type === 'tool_result') texts += part.text.length
      else if (part.type === 'tool_call') texts += part.arguments.length
      else if (part.type === 'file') files += part.bytes
    }
  const all = systemPrompt.length + files + texts
  if (all === 0 || used === 0) return { system: 0, files: 0, history: used }
  const system = Math.round((used * systemPrompt.length) / all)
  const inFiles = Math.round((used * files) / all)
  return { system, files: inFiles, history: used - system - inFiles }
}
