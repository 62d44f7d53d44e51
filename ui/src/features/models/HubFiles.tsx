import { useMutation, useQuery } from '@tanstack/react-query'
import { FileX } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, data, type Schemas } from '@/api/client'
import { Alert } from '@/components/ui/Alert'
import { Badge } from '@/components/ui/Badge'
import { Button } from '@/components/ui/Button'
import { EmptyState } from '@/components/ui/EmptyState'
import { ErrorState } from '@/components/ui/ErrorState'
import { Field } from '@/components/ui/Field'
import { Refusal } from '@/components/ui/Refusal'
import { SkeletonList } from '@/components/ui/Skeleton'
import { toast } from '@/components/ui/Toast'
import { bytes } from '@/i18n/format'
import { memory } from './figures'
import { fileName, type Repo } from './names'
import { filesQuery } from './queries'

type Variant = Schemas['HubVariant']
const TONES = { fits: 'good', tight: 'warn', too_large: 'bad' } as const

/** What a repository has to download, with sizes and what fits here. */
export function HubFiles({ repo, choice, onDone }: Repo & { onDone: () => void }) {
  const { t } = useTranslation('models')
  const { data: found, isPending, isError, error, refetch } = useQuery(filesQuery(repo))
  const [text, setText] = useState(choice ?? '')
  const start = useMutation({
    mutationFn: (wanted: Variant) => data(api.POST('/api/v1/downloads', { body: { repo, choice: wanted.choice } })),
    onSuccess: (_download, wanted) => {
      toast.success(t('addDialog.started', { name: wanted.choice ?? repo }))
      onDone()
    },
  })
  if (isPending) return <SkeletonList rows={4} />
  if (isError) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (found.variants.length === 0) return <EmptyState icon={<FileX />} title={t('addDialog.noFiles')} />
  const wanted = text.trim().toLowerCase()
  const shown = found.variants.filter((one) => [one.choice ?? '', one.quantisation, ...one.files].some((name) => name.toLowerCase().includes(wanted)))
  const [only] = shown
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault()
        if (!start.isPending && shown.length === 1 && only !== undefined && only.bytes < found.free) start.mutate(only)
      }}
    >
      <Field label={t('addDialog.file')} description={t('addDialog.fileHelp')} value={text} onValueChange={setText} autoComplete="off" spellCheck={false} error={shown.length === 0 ? t('addDialog.noSuchFile') : undefined} />
      {found.gated && <Alert tone="warn">{t('addDialog.gatedHelp')}</Alert>}
      <ul aria-label={t('addDialog.files', { repo })} className="divide-y divide-line rounded-lg border border-line">
        {shown.map((variant) => (
          <Offer key={variant.files.join()} variant={variant} free={found.free} busy={start.isPending && start.variables === variant} onStart={() => start.mutate(variant)} />
        ))}
      </ul>
      {start.isError && <Alert tone="bad"><Refusal error={start.error} /></Alert>}
      {found.room !== null && <p className="text-sm text-ink-3">{t('addDialog.room', { room: memory(found.room), free: bytes(found.free) })}</p>}
    </form>
  )
}

interface OfferProps {
  variant: Variant
  free: number
  busy: boolean
  onStart: () => void
}

function Offer({ variant, free, busy, onStart }: OfferProps) {
  const { t } = useTranslation('models')
  const { choice, fit, files } = variant
  const name = choice ?? t('addDialog.folder')
  const noDisk = variant.bytes >= free
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1.5 px-3 py-2" data-choice={choice ?? ''}>
      <div className="min-w-0 flex-1 basis-56">
        <p className="font-medium break-all">{choice === null ? name : fileName(name)}</p>
        <p className="flex flex-wrap items-center gap-1.5 text-sm text-ink-2">
          {variant.quantisation !== '' && <Badge>{variant.quantisation}</Badge>}
          <span className="tabular">{bytes(variant.bytes)}</span>
          {fit !== null && <Badge tone={TONES[fit]}>{t(`addDialog.fit.${fit}`)}</Badge>}
          {variant.recommended && <Badge tone="accent">{t('addDialog.recommended')}</Badge>}
          {variant.projector && <Badge>{t('addDialog.projector')}</Badge>}
          {files.length > 1 && <span>{t('addDialog.split', { count: files.length })}</span>}
        </p>
        {noDisk && <p className="text-sm text-bad">{t('addDialog.noDisk', { size: bytes(variant.bytes), free: bytes(free) })}</p>}
      </div>
      <Button size="sm" variant={variant.recommended ? 'primary' : 'secondary'} busy={busy} disabled={noDisk} aria-label={t('addDialog.downloadName', { name })} onClick={onStart}>
        {t('addDialog.download')}
      </Button>
    </li>
  )
}
