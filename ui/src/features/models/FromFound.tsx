import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { PackageSearch } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { Alert } from '@/components/ui/Alert'
import { Badge } from '@/components/ui/Badge'
import { Button } from '@/components/ui/Button'
import { EmptyState } from '@/components/ui/EmptyState'
import { ErrorState } from '@/components/ui/ErrorState'
import { Refusal } from '@/components/ui/Refusal'
import { SkeletonList } from '@/components/ui/Skeleton'
import { toast } from '@/components/ui/Toast'
import { bytes, list } from '@/i18n/format'
import { FormatBadge } from './FormatBadge'
import { foundQuery } from './queries'

const NAMES = { 'lm-studio': 'LM Studio', huggingface: 'Hugging Face', ollama: 'Ollama' } as const

/** The models that other programs of this machine have, served where they lie. */
export function FromFound({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation('models')
  const { data: found, isPending, isError, error, refetch } = useQuery(foundQuery)
  if (isPending) return <SkeletonList rows={4} />
  if (isError) return <ErrorState error={error} onRetry={() => void refetch()} />
  const places = found.data.filter((place) => place.models.length > 0)
  if (places.length === 0) return <EmptyState icon={<PackageSearch />} title={t('addDialog.foundNone')} />
  return (
    <div className="flex flex-col gap-4">
      <p className="text-base text-ink-2">{t('addDialog.foundHelp')}</p>
      {places.map((place) => (
        <Place key={place.tool} place={place} onDone={onDone} />
      ))}
    </div>
  )
}

function Place({ place, onDone }: { place: Schemas['FoundPlace']; onDone: () => void }) {
  const { t } = useTranslation('models')
  const client = useQueryClient()
  const isAll = place.models.every((model) => model.added !== null)
  const add = useMutation({
    mutationFn: () => data(api.POST('/api/v1/models/found', { body: { tool: place.tool } })),
    onSuccess: async ({ added }) => {
      toast.success(t('done.added', { model: list(added) }))
      await client.invalidateQueries({ queryKey: keys.models })
      onDone()
    },
  })
  return (
    <section className="rounded-lg border border-line">
      <header className="flex flex-wrap items-center gap-3 border-b border-line bg-sunken px-3 py-2">
        <h3 className="min-w-0 flex-1 basis-48 text-base font-semibold break-all">{t('addDialog.foundIn', { tool: NAMES[place.tool], path: place.path })}</h3>
        <Button size="sm" variant="primary" disabled={isAll} busy={add.isPending} onClick={() => add.mutate()}>
          {t(isAll ? 'addDialog.foundAdded' : 'addDialog.foundAdd')}
        </Button>
      </header>
      <ul className="divide-y divide-line">
        {place.models.map((model) => (
          <li key={model.path} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2">
            <span className="min-w-0 flex-1 basis-40 break-all">{model.name}</span>
            <FormatBadge format={model.format} />
            <span className="tabular text-sm text-ink-2">{bytes(model.bytes)}</span>
            {model.added !== null && <Badge tone="good">{t('addDialog.foundAdded')}</Badge>}
            {model.problem !== null && <span className="w-full text-sm text-bad">{model.problem}</span>}
          </li>
        ))}
      </ul>
      {add.isError && <Alert tone="bad"><Refusal error={add.error} /></Alert>}
    </section>
  )
}
