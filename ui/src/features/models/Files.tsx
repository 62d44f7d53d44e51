import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { CopyButton } from '@/components/ui/CopyButton'
import { bytes } from '@/i18n/format'
import type { Entry } from './entries'

export interface FilesProps {
  entry: Entry
  details: Schemas['ModelDetails']
}

/** The files that a model is made of. */
export function Files({ entry, details }: FilesProps) {
  const { t } = useTranslation('models')
  const rows = details.files ?? []
  return (
    <div className="flex flex-col gap-3">
      {entry.path !== null && (
        <p className="flex items-center gap-2 text-sm text-ink-2">
          <span className="min-w-0 font-mono break-all">{t('files.folder', { path: entry.path })}</span>
          <CopyButton size="sm" text={entry.path} label={t('files.copy')} />
        </p>
      )}
      <ul aria-label={t('drawer.files')} className="divide-y divide-line rounded-lg border border-line">
        {rows.map((file) => (
          <li key={file.name} className="flex gap-3 px-3 py-2 text-sm">
            <span className="min-w-0 flex-1 font-mono break-all">{file.name}</span>
            <span className="tabular shrink-0 text-ink-2">{bytes(file.bytes)}</span>
          </li>
        ))}
      </ul>
      <p className="text-right text-sm text-ink-2">
        {t('files.total')}: <span className="tabular font-medium text-ink">{bytes(details.bytes)}</span>
      </p>
    </div>
  )
}
