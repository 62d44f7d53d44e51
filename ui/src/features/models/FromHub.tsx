import { useQuery } from '@tanstack/react-query'
import { ArrowLeft, SearchX } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Badge } from '@/components/ui/Badge'
import { Button } from '@/components/ui/Button'
import { EmptyState } from '@/components/ui/EmptyState'
import { ErrorState } from '@/components/ui/ErrorState'
import { Field } from '@/components/ui/Field'
import { SkeletonList } from '@/components/ui/Skeleton'
import { useSettled } from '@/hooks/settled'
import { number } from '@/i18n/format'
import { HubFiles } from './HubFiles'
import { repoOf, type Repo } from './names'
import { searchQuery } from './queries'

/** A repository of the hub, searched for or named, and then one of its files. */
export function FromHub({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation('models')
  const [text, setText] = useState('')
  const [open, setOpen] = useState<Repo>()
  const named = repoOf(text)
  const shown = open ?? (named === null ? undefined : named)
  const settled = useSettled(shown === undefined ? text.trim() : '', 500)
  const settledRepo = useSettled(shown?.repo, 400)
  return (
    <div className="flex flex-col gap-4">
      <Field
        type="search"
        label={t('addDialog.repo')}
        description={t('addDialog.repoHelp')}
        placeholder={t('addDialog.repoPlaceholder')}
        value={text}
        onValueChange={(next) => {
          setText(next)
          setOpen(undefined)
        }}
        autoComplete="off"
        spellCheck={false}
      />
      {open !== undefined && (
        <Button variant="ghost" size="sm" className="self-start" onClick={() => setOpen(undefined)}>
          <ArrowLeft />
          {t('addDialog.back')}
        </Button>
      )}
      {shown === undefined && settled.length > 1 && <Hits text={settled} onOpen={(repo) => setOpen({ repo, choice: null })} />}
      {shown !== undefined && settledRepo === shown.repo && <HubFiles key={`${shown.repo}:${shown.choice ?? ''}`} {...shown} onDone={onDone} />}
    </div>
  )
}

function Hits({ text, onOpen }: { text: string; onOpen: (repo: string) => void }) {
  const { t } = useTranslation('models')
  const { data, isPending, isError, error, refetch } = useQuery(searchQuery(text))
  if (isPending) return <SkeletonList rows={4} />
  if (isError) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (data.data.length === 0) return <EmptyState icon={<SearchX />} title={t('addDialog.noHits')} />
  return (
    <ul aria-label={t('addDialog.hits')} className="divide-y divide-line rounded-lg border border-line">
      {data.data.map((hit) => (
        <li key={hit.repo}>
          <button type="button" className="flex w-full flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2 text-left hover:bg-hover" onClick={() => onOpen(hit.repo)}>
            <span className="min-w-0 flex-1 basis-52 font-medium break-all">{hit.repo}</span>
            {hit.formats.map((one) => (
              <Badge key={one} tone={one === 'gguf' ? 'gguf' : one === 'mlx' ? 'mlx' : 'neutral'}>
                {one}
              </Badge>
            ))}
            {hit.gated && <Badge tone="warn">{t('addDialog.gated')}</Badge>}
            <span className="tabular text-sm text-ink-2">{t('addDialog.downloads', { value: number(hit.downloads) })}</span>
          </button>
        </li>
      ))}
    </ul>
  )
}
