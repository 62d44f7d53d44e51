import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { EmptyState } from '@/components/ui/EmptyState'
import { Field } from '@/components/ui/Field'
import { useSettled } from '@/hooks/settled'
import { number } from '@/i18n/format'
import { written } from './figures'

type Found = Schemas['MetadataAnswer']

/** All that a GGUF header says, with a search over keys and values. */
export function Metadata({ entries }: { entries: readonly Found[] }) {
  const { t } = useTranslation('models')
  const [text, setText] = useState('')
  const wanted = useSettled(text, 100).trim().toLowerCase()
  const shown = entries.filter((entry) => `${entry.key} ${written(entry)}`.toLowerCase().includes(wanted))
  return (
    <div className="flex flex-col gap-3">
      <Field type="search" label={t('metadata.search')} value={text} onValueChange={setText} suffix={t('metadata.total', { shown: number(shown.length), total: number(entries.length) })} />
      {shown.length === 0 ? (
        <EmptyState title={t('metadata.none', { text })} />
      ) : (
        <dl className="divide-y divide-line rounded-lg border border-line">
          {shown.map((entry) => (
            <div key={entry.key} className="grid gap-x-4 px-3 py-2 sm:grid-cols-[minmax(0,2fr)_minmax(0,3fr)]">
              <dt className="font-mono text-sm break-all">{entry.key}</dt>
              <dd className="flex min-w-0 flex-wrap items-baseline gap-x-3 text-sm">
                <span className="line-clamp-6 min-w-0 flex-1 break-words">{written(entry)}</span>
                <span className="shrink-0 text-xs text-ink-3">
                  {entry.type}
                  {entry.count !== null && entry.count !== undefined && ` · ${t('metadata.count', { value: number(entry.count) })}`}
                </span>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  )
}
