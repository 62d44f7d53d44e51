// What the form of a new key says, as the server takes it. Pure.
import type { Schemas } from '@/api/client'
import { LIMITS, type Limit } from './usage'

export type Body = Schemas['KeyRequest']

export interface KeyForm {
  readonly name: string
  readonly role: NonNullable<Body['role']>
  /** Ids with commas. */
  readonly models: string
  readonly days: string
  readonly isReadOnly: boolean
  readonly limits: Readonly<Partial<Record<Limit, string>>>
}

const MOST_DAYS = 36_500

/** The fields that say no number: left alone they would be taken for empty, which is a key without an end or a limit. */
export function problemsOf(form: KeyForm): ('days' | Limit)[] {
  const days = Number(form.days)
  const wrong = form.days.trim() !== '' && !(days > 0 && days <= MOST_DAYS)
  const limits = LIMITS.filter((one) => {
    const said = (form.limits[one] ?? '').trim()
    return said !== '' && !(/^\d{1,12}$/.test(said) && Number(said) >= 1)
  })
  return wrong ? ['days', ...limits] : limits
}

export function bodyOf(form: KeyForm): Body {
  return {
    name: form.name.trim(),
    role: form.role,
    models: form.models.split(',').map((one) => one.trim()).filter(Boolean),
    read_only: form.isReadOnly,
    days: form.days.trim() === '' ? null : Number(form.days),
    limits: Object.fromEntries(LIMITS.flatMap((one) => ((form.limits[one] ?? '').trim() === '' ? [] : [[one, Number(form.limits[one])]]))),
  }
}
