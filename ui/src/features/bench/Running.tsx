import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, asApiError, type Schemas } from '@/api/client'
import { Alert } from '@/components/ui/Alert'
import { Button, buttonClass } from '@/components/ui/Button'
import { Card } from '@/components/ui/Card'
import { ConfirmDialog } from '@/components/ui/ConfirmDialog'
import { Progress } from '@/components/ui/Progress'
import { Reason } from '@/components/ui/Reason'
import { toast } from '@/components/ui/Toast'
import { dotted, duration, number, rate } from '@/i18n/format'
import { useStanding } from '@/realtime/hub'
import type { BenchmarkUnderWay } from '@/realtime/topics'
import { cellName } from './value'

/** How far the benchmark is that runs, what holds it up, and its end. */
export function Running({ running }: { running: BenchmarkUnderWay }) {
  const { t } = useTranslation('bench')
  const { id, progress } = running
  const [busy, setBusy] = useState(false)
  const cancel = async () => {
    setBusy(true)
    try {
      await api.POST('/api/v1/benchmarks/{id}/cancel', { params: { path: { id } } })
      toast.success(t('running.cancelled'))
    } catch (error) {
      toast.failure(error)
    } finally {
      setBusy(false)
    }
  }
  const held = progress?.held_up ?? null
  return (
    <Card
      title={t('running.title')}
      actions={
        <Button busy={busy} onClick={() => void cancel()}>
          {t('running.cancel')}
        </Button>
      }
    >
      <div className="flex flex-col gap-3">
        <Progress
          value={progress === null ? null : (progress.done / Math.max(1, progress.total)) * 100}
          label={stepName(progress, t)}
          aside={progress === null ? undefined : <Where progress={progress} />}
        />
        {progress !== null && (progress.tokens ?? 0) > 0 && held === null && (
          <p className="tabular text-sm text-ink-2">
            {dotted([
              t('running.tokens', { tokens: number(progress.tokens ?? 0) }),
              typeof progress.rate === 'number' && t('running.rate', { rate: rate(progress.rate) }),
            ])}
          </p>
        )}
        {held !== null && <Held reason={held} />}
      </div>
    </Card>
  )
}

function Where({ progress }: { progress: Schemas['Progress'] }) {
  const { t } = useTranslation('bench')
  const step = number(Math.min(progress.done + 1, progress.total))
  const left = duration(Math.max(1, Math.round(progress.left)))
  return dotted([t('running.step', { step, total: number(progress.total) }), t('running.left', { duration: left })])
}

function Held({ reason }: { reason: string }) {
  const { t } = useTranslation('bench')
  const others = useStanding('requests') ?? []
  const [asking, setAsking] = useState(false)
  const end = async () => {
    for (const { id } of others) {
      await api.POST('/api/v1/requests/{request_id}/cancel', { params: { path: { request_id: id } } }).catch((error: unknown) => {
        // One that has ended meanwhile is what was wanted.
        if (asApiError(error).status !== 404) throw error
      })
    }
  }
  return (
    <>
      <Alert
        tone="warn"
        title={t('running.waiting')}
        actions={
          <>
            <Link to="/monitor" className={buttonClass({ size: 'sm' })}>
              {t('running.seeOthers')}
            </Link>
            {others.length > 0 && (
              <Button size="sm" onClick={() => setAsking(true)}>
                {t('running.endOthers', { count: others.length })}
              </Button>
            )}
          </>
        }
      >
        {t('running.held')} <Reason className="block text-sm text-ink-2">{reason}</Reason>
      </Alert>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={t('running.askOthers')}
        description={t('running.askOthersHelp')}
        action={t('running.endOthers', { count: others.length })}
        onConfirm={end}
      />
    </>
  )
}

type Translate = ReturnType<typeof useTranslation<'bench'>>['t']

function stepName(progress: Schemas['Progress'] | null, t: Translate): string {
  const step = progress?.step
  if (!step) return t('running.finishing')
  const cell = step.cell ? cellName(step.cell) : ''
  return t(`running.kinds.${step.kind}`, { model: step.model, cell, round: number(step.round ?? 0) })
}
