// What new conversations begin with, as its card shows it. Pure.
import type { ChatDefaults } from '@/api/chats'
import type { Schemas } from '@/api/client'
import { dotted } from '@/i18n/format'

/** Where nothing is chosen; no model and no preset is called so. */
export const NONE = '*'

interface Choice {
  value: string
  label: string
  hint?: string
}

/** What can be chosen: what is there, and what is set, with why it cannot be had. */
export function choicesWith(there: readonly Choice[], chosen: string | null, gone: string): readonly Choice[] {
  return chosen === null || there.some((one) => one.value === chosen) ? there : [...there, { value: chosen, label: chosen, hint: gone }]
}

/** All of them as the server has them now, but for what is chosen here: it keeps them as a whole. */
export function withChange(now: ChatDefaults, change: Schemas['NewChatDefaults']): Schemas['NewChatDefaults'] {
  return { model: now.model, preset: now.preset?.id ?? null, ...change }
}

/** `temperature 0.2 · stop ["\\n"]` */
export function contentsOf(params: Readonly<Record<string, unknown>>): string {
  return dotted(Object.entries(params).map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`))
}
