import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, data, refusal } from '@/api/client'
import { Alert } from '@/components/ui/Alert'
import { Badge } from '@/components/ui/Badge'
import { Button } from '@/components/ui/Button'
import { ConfirmDialog } from '@/components/ui/ConfirmDialog'
import { Progress } from '@/components/ui/Progress'
import { Refusal } from '@/components/ui/Refusal'
import { toast } from '@/components/ui/Toast'
import { bytes, dotted, duration, percent } from '@/i18n/format'
import { isStalled, isUnderWay, percentOf, titleOf, verbsOf, type Download, type Verb } from './progress'
import { useModels } from './use-models'
import { usePlace } from './use-place'

const TONES = { queued: 'neutral', running: 'accent', retrying: 'warn', paused: 'neutral', done: 'good', failed: 'bad', cancelled: 'neutral' } as const

/** One download: how far, how fast, how long still, and what can be done about it. */
export function Transfer({ download }: { download: Download }) {
  const { t } = useTranslation('models')
  const title = titleOf(download)
  const part = percentOf(download)
  const stalled = isStalled(download)
  const how = stalled
    ? t('transfers.stalled')
    : download.state === 'retrying'
      ? t('transfers.retrying', { time: duration(Math.ceil(download.retry_in ?? 0)), count: download.attempt + 1 })
      : t(`transfers.${download.state}`)
  const tone = download.state === 'failed' ? 'bad' : download.state === 'done' ? 'good' : stalled || download.state === 'retrying' ? 'warn' : 'accent'
  const aside = dotted([
    download.state === 'running' && t('transfers.speed', { size: bytes(download.speed) }),
    download.state === 'running' && download.eta !== null && t('transfers.eta', { time: duration(download.eta) }),
  ])
  return (
    <li className="flex flex-col gap-2 px-4 py-3" data-download={download.id} data-state={download.state}>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <div className="min-w-0 flex-1 basis-52">
          <p className="flex flex-wrap items-center gap-2 font-medium">
            <span className="min-w-0 break-all">{title}</span>
            <Badge tone={stalled ? 'warn' : TONES[download.state]}>{how}</Badge>
          </p>
          {title !== download.repo && <p className="text-sm break-all text-ink-2">{t('transfers.from', { repo: download.repo })}</p>}
        </div>
        <Verbs download={download} title={title} />
      </div>
      {download.state !== 'cancelled' && (
        <Progress
          label={t('transfers.label', { name: title })}
          hideLabel
          tone={tone}
          value={download.state === 'queued' && download.done === 0 ? 0 : part}
          aside={
            <span className="flex flex-wrap gap-x-3">
              <span data-testid="part">{part === null ? '' : percent(part / 100)}</span>
              <span>{t('transfers.of', { done: bytes(download.done), total: bytes(download.total) })}</span>
              {aside !== '' && <span data-testid="speed">{aside}</span>}
            </span>
          }
        />
      )}
      {download.error !== null && isBad(download) && (
        <Alert tone={download.state === 'failed' ? 'bad' : 'warn'}>
          <Refusal error={refusal(download.error)} />
          {download.error.code === 'checksum_mismatch' && <p>{t('transfers.checksum')}</p>}
        </Alert>
      )}
      {download.state === 'done' && <p className="text-sm text-ink-2">{t('transfers.verified')}</p>}
    </li>
  )
}

function isBad({ state }: Download): boolean {
  return state === 'failed' || state === 'retrying'
}

function Verbs({ download, title }: { download: Download; title: string }) {
  const { t } = useTranslation('models')
  const [, go] = usePlace()
  const { rows } = useModels()
  const model = rows.find(({ entry }) => entry.path !== null && entry.path === download.path)?.entry.id
  const [asking, setAsking] = useState(false)
  const { id } = download
  const say = useMutation({
    mutationFn: (verb: Exclude<Verb, 'cancel'>) => data(api.POST(`/api/v1/downloads/{id}/${verb}`, { params: { path: { id } } })),
    onError: (error) => toast.failure(error),
  })
  const forget = useMutation({
    mutationFn: () => api.DELETE('/api/v1/downloads/{id}', { params: { path: { id } } }),
    onError: (error) => toast.failure(error),
  })
  const name = <span className="sr-only"> {title}</span>
  return (
    <div className="flex flex-wrap gap-2">
      {verbsOf(download).map((verb) => (
        <Button
          key={verb}
          size="sm"
          variant={verb === 'cancel' ? 'ghost' : 'secondary'}
          busy={say.isPending && say.variables === verb}
          onClick={() => (verb === 'cancel' ? setAsking(true) : say.mutate(verb))}
        >
          {t(`transfers.${verb}`)}
          {name}
        </Button>
      ))}
      {download.state === 'done' && model !== undefined && (
        <Button size="sm" onClick={() => go({ tab: undefined, m: model })}>
          {t('transfers.show')}
          {name}
        </Button>
      )}
      {!isUnderWay(download) && (
        <Button size="sm" variant="ghost" busy={forget.isPending} onClick={() => forget.mutate()}>
          {t('transfers.forget')}
          {name}
        </Button>
      )}
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={t('transfers.cancelTitle', { name: title })}
        description={t('transfers.cancelBody', { size: bytes(download.done) })}
        action={t('transfers.cancel')}
        dismissal={t('transfers.keep')}
        onConfirm={() => data(api.POST('/api/v1/downloads/{id}/cancel', { params: { path: { id } } }))}
      />
    </div>
  )
}
