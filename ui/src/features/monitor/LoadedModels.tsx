import { Link } from '@tanstack/react-router'
import type { TFunction } from 'i18next'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api } from '@/api/client'
import { Badge } from '@/components/ui/Badge'
import { Button, buttonClass } from '@/components/ui/Button'
import { Card } from '@/components/ui/Card'
import { ConfirmDialog } from '@/components/ui/ConfirmDialog'
import { EmptyState } from '@/components/ui/EmptyState'
import { Reason } from '@/components/ui/Reason'
import { SkeletonList } from '@/components/ui/Skeleton'
import { Table, type Column } from '@/components/ui/Table'
import { toast } from '@/components/ui/Toast'
import { ago, bytes, duration, number, percent } from '@/i18n/format'
import { useStanding } from '@/realtime/hub'
import type { ModelFigures } from '@/realtime/topics'

type Translate = TFunction<'monitor'>

const TONES = { unloaded: 'neutral', starting: 'warn', ready: 'good', stopping: 'warn', failed: 'bad' } as const

/** The models that are loaded, load, or could not be; an admin unloads them. */
export function LoadedModels({ now, mayUnload }: { now: number; mayUnload: boolean }) {
  const { t } = useTranslation('monitor')
  const models = useStanding('models')
  const shown = models?.filter(({ state }) => state !== 'unloaded')
  const columns = columnsOf(t, now, mayUnload)
  return (
    <Card title={t('models.title')}>
      {shown === undefined ? (
        <SkeletonList rows={2} />
      ) : (
        <Table
          caption={t('models.title')}
          columns={columns}
          rows={shown}
          rowKey={(model) => model.id}
          empty={
            <EmptyState
              title={t('models.empty')}
              actions={
                <Link to="/models" className={buttonClass({ size: 'sm' })}>
                  {t('models.open')}
                </Link>
              }
            >
              {t('models.emptyHelp')}
            </EmptyState>
          }
        />
      )}
    </Card>
  )
}

function columnsOf(t: Translate, now: number, mayUnload: boolean): Column<ModelFigures>[] {
  return [
    {
      key: 'model',
      head: t('models.model'),
      cell: ({ id, format }) => (
        <span className="flex items-center gap-2 whitespace-nowrap">
          {id}
          <Badge tone={format === 'mlx' ? 'mlx' : 'gguf'}>{format.toUpperCase()}</Badge>
        </span>
      ),
    },
    { key: 'state', head: t('models.state'), cell: (model) => <State model={model} /> },
    { key: 'memory', head: t('models.memory'), numeric: true, cell: (model) => <Memory model={model} /> },
    {
      key: 'use',
      head: t('models.use'),
      cell: ({ active, slots, waiting }) => (
        <span className="tabular whitespace-nowrap">
          {slots === 0 ? '—' : t('models.slots', { active: number(active), slots: number(slots) })}
          {waiting > 0 && ` ${t('models.waiting', { waiting: number(waiting) })}`}
        </span>
      ),
    },
    {
      key: 'idle',
      head: t('models.idle'),
      cell: ({ last_used: used, active }) => {
        if (active > 0) return t('models.inUse')
        return (
          <span className="whitespace-nowrap">{used === null ? t('models.never') : ago(Math.min(used, now), now)}</span>
        )
      },
    },
    {
      key: 'leaves',
      head: t('models.leaves'),
      cell: ({ expires_at: expires, active, state }) => {
        if (expires === null) return active > 0 || state !== 'ready' ? '—' : t('models.stays')
        return <span className="tabular whitespace-nowrap">{duration(Math.max(0, expires - now))}</span>
      },
    },
    {
      key: 'unload',
      head: <span className="sr-only">{t('models.action')}</span>,
      className: 'text-right',
      cell: (model) => (mayUnload && model.state === 'ready' ? <Unload model={model} /> : null),
    },
  ]
}

function State({ model: { state, reason, progress } }: { model: ModelFigures }) {
  const { t } = useTranslation('monitor')
  const loading = state === 'starting' && progress !== null ? ` ${percent(progress)}` : ''
  return (
    <span className="flex max-w-72 flex-col items-start gap-0.5">
      <Badge tone={TONES[state]}>
        {t(`models.states.${state}`)}
        {loading}
      </Badge>
      {reason !== null && <Reason className="text-xs text-ink-2">{reason}</Reason>}
    </span>
  )
}

function Memory({ model: { placement } }: { model: ModelFigures }) {
  const { t } = useTranslation('monitor')
  if (placement === null) return <>—</>
  return (
    <span className="flex flex-col whitespace-nowrap">
      {bytes(placement.memory ?? placement.reserved, 1024)}
      {placement.device_memory > 0 && (
        <span className="text-xs text-ink-3">{t('models.onGpu', { bytes: bytes(placement.device_memory, 1024) })}</span>
      )}
    </span>
  )
}

function Unload({ model: { id, model, active, waiting } }: { model: ModelFigures }) {
  const { t } = useTranslation('monitor')
  const [asking, setAsking] = useState(false)
  const [busy, setBusy] = useState(false)
  const unload = async () => {
    setBusy(true)
    try {
      await api.POST('/api/v1/models/{id}/unload', { params: { path: { id: model } } })
      toast.success(t('models.unloaded', { model }))
    } catch (error) {
      toast.failure(error)
    } finally {
      setBusy(false)
    }
  }
  const count = active + waiting
  return (
    <>
      <Button
        size="sm"
        busy={busy}
        aria-label={t('models.unloadOne', { model: id })}
        onClick={() => {
          if (count > 0) setAsking(true)
          else void unload()
        }}
      >
        {t('models.unload')}
      </Button>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={t('models.ask', { model })}
        description={t('models.askHelp', { count })}
        action={t('models.unload')}
        onConfirm={unload}
      />
    </>
  )
}
