// Speech to text as its card shows it. Pure.
import type { Schemas } from '@/api/client'

export type SpeechStatus = Schemas['SpeechStatus']
export type Tone = 'neutral' | 'good' | 'warn' | 'bad' | 'accent'

const TONES: Readonly<Record<SpeechStatus['status'], Tone>> = {
  disabled: 'neutral', missing: 'warn', downloading: 'accent', unloaded: 'good', starting: 'accent', ready: 'good', stopping: 'neutral', failed: 'bad',
}

/** The one model that hears, whichever it is: what an empty setting means. */
export const ANY = '*'

export const toneOf = (status: SpeechStatus): Tone => TONES[status.status]

/** Milliseconds until it is asked again: soon where it is on its way to something else. */
export const pauseOf = (status: SpeechStatus): number => (['downloading', 'starting', 'stopping', 'missing'].includes(status.status) ? 2000 : 15_000)

/** What can be chosen: those that are here, and what is set, wherever it is. */
export function choicesOf(here: readonly { id: string; capabilities: readonly string[] }[], chosen: string | null): string[] {
  const ids = here.filter((model) => model.capabilities.includes('transcription')).map((model) => model.id)
  return chosen === null || ids.includes(chosen) ? ids : [...ids, chosen]
}

/** Whether a text names a model on the hub: `owner/name`, and of several forms one behind a colon. */
export const onHub = (text: string): boolean => /^[\w][\w.-]*\/[\w][\w.-]*(:[\w][\w./-]*)?$/.test(text)
