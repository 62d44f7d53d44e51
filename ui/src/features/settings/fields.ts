// The settings that a page may change, and how each is written. Pure.
import type { Schemas } from '@/api/client'

export type Config = Schemas['ConfigAnswer']
export type Kind = 'number' | 'switch' | 'lines'

export interface SettingField {
  key: FieldName
  kind: Kind
  /** Of a number: the least; whether it may be empty. */
  min?: number
  optional?: boolean
  /** Also written shorter, beside it. */
  unit?: 'bytes'
}

export type FieldName = (typeof GROUPS)[number]['fields'][number]['key']

export const GROUPS = [
  {
    name: 'fleet',
    fields: [
      { key: 'fleet.idle_ttl', kind: 'number', min: 0 },
      { key: 'fleet.max_models', kind: 'number', min: 1 },
      { key: 'fleet.max_waiting', kind: 'number', min: 0 },
      { key: 'fleet.calibrate', kind: 'switch' },
    ],
  },
  {
    name: 'folders',
    fields: [
      { key: 'catalog.folders', kind: 'lines' },
      { key: 'catalog.adapter_folders', kind: 'lines' },
      { key: 'catalog.demo', kind: 'switch' },
    ],
  },
  {
    name: 'storage',
    fields: [
      { key: 'kv.enabled', kind: 'switch' },
      { key: 'kv.max_bytes', kind: 'number', min: 0, unit: 'bytes' },
      { key: 'journal.days', kind: 'number', min: 1 },
    ],
  },
  {
    name: 'downloads',
    fields: [
      { key: 'hub.parallel', kind: 'number', min: 1 },
      { key: 'hub.bandwidth', kind: 'number', min: 1024, optional: true, unit: 'bytes' },
    ],
  },
] as const

export const SHOWN = [
  'server.host',
  'server.port',
  'server.compat_ports',
  'server.tls_cert',
  'server.allowed_hosts',
  'server.cors_origins',
  'server.trusted_proxies',
  'server.max_connections',
  'access.require_key',
] as const

/** The value at `section.name`. */
export function valueOf(config: Config, key: string): unknown {
  return key.split('.').reduce<unknown>((tree, name) => (tree as Record<string, unknown> | undefined)?.[name], config.values)
}

/** As it stands in a text field. */
export function asText(value: unknown): string {
  if (Array.isArray(value)) return value.join('\n')
  return value === null || value === undefined ? '' : String(value as string | number)
}

/** What a text field says; `undefined` is a mistake, null takes the setting out. */
export function parsed(field: SettingField, text: string): number | string[] | null | undefined {
  if (field.kind === 'lines') {
    return text
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean)
  }
  if (text.trim() === '') return field.optional === true ? null : undefined
  const value = Number(text)
  return Number.isFinite(value) && value >= (field.min ?? 0) ? value : undefined
}

/** A merge patch for one setting. */
export function patchOf(key: string, value: unknown): Record<string, unknown> {
  return key.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as Record<string, unknown>
}
