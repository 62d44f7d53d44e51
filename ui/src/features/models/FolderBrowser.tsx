import { useQuery } from '@tanstack/react-query'
import { CornerLeftUp, FileBox, Folder, FolderRoot } from 'lucide-react'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Badge } from '@/components/ui/Badge'
import { Button } from '@/components/ui/Button'
import { ErrorState } from '@/components/ui/ErrorState'
import { SkeletonList } from '@/components/ui/Skeleton'
import { bytes } from '@/i18n/format'
import { folderQuery } from './queries'

/** The folders that a model may be added from, one level at a time, as the server sees them. */
export function FolderBrowser({ onChoose }: { onChoose: (path: string) => void }) {
  const { t } = useTranslation('models')
  const [path, setPath] = useState<string | null>(null)
  const { data, isPending, isError, error, refetch } = useQuery(folderQuery(path))
  const where = useRef<HTMLSpanElement>(null)
  // The button that was pressed goes with its folder: the focus must not.
  const go = (next: string | null) => {
    setPath(next)
    where.current?.focus()
  }
  return (
    <section aria-label={t('addDialog.browse')} className="rounded-lg border border-line">
      <div className="flex min-h-10 items-center gap-2 border-b border-line bg-sunken px-3 py-1.5">
        {path !== null && (
          <Button size="sm" variant="ghost" onClick={() => go(data?.parent ?? null)}>
            <CornerLeftUp />
            {t('addDialog.up')}
          </Button>
        )}
        <span ref={where} tabIndex={-1} className="min-w-0 flex-1 font-mono text-sm break-all">{path ?? t('addDialog.roots')}</span>
      </div>
      {isPending && <SkeletonList rows={3} className="p-3" rowClassName="h-7" />}
      {isError && <ErrorState error={error} onRetry={() => void refetch()} className="py-6" />}
      {data !== undefined && (
        <ul className="max-h-56 overflow-y-auto p-1">
          {data.entries.length === 0 && <li className="px-3 py-4 text-center text-base text-ink-2">{t('addDialog.emptyFolder')}</li>}
          {data.entries.map((entry) => {
            const isFolder = entry.kind === 'folder'
            const Mark = isFolder ? (path === null ? FolderRoot : Folder) : FileBox
            return (
              <li key={entry.path}>
                <button
                  type="button"
                  className="flex w-full items-center gap-2.5 rounded-md px-2.5 py-1.5 text-left hover:bg-hover"
                  aria-label={t(isFolder ? 'addDialog.open' : 'addDialog.choose', { name: entry.name })}
                  onClick={() => (isFolder ? go(entry.path) : onChoose(entry.path))}
                >
                  <Mark aria-hidden="true" className="size-4 shrink-0 text-ink-3" />
                  <span className="min-w-0 flex-1 break-all">{path === null ? entry.path : entry.name}</span>
                  {!isFolder && <Badge tone={entry.kind === 'mlx' ? 'mlx' : 'gguf'}>{entry.kind.toUpperCase()}</Badge>}
                  {entry.bytes !== null && <span className="tabular text-sm text-ink-2">{bytes(entry.bytes)}</span>}
                </button>
              </li>
            )
          })}
        </ul>
      )}
      {data?.complete === false && <p className="px-3 pb-2 text-sm text-ink-3">{t('addDialog.incomplete', { count: data.entries.length })}</p>}
      <p className="border-t border-line px-3 py-2 text-sm text-ink-3">{t('addDialog.foldersHelp')}</p>
    </section>
  )
}
