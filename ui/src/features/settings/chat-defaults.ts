// What new conversations begin with, as its card shows it. Pure.
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

/** `temperature 0.2 · stop ["\\n"]` */
export function contentsOf(params: Readonly<Record<string, unknown>>): string {
  return dotted(Object.entries(params).map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`))
}
