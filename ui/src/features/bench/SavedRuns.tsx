import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api } from '@/api/client'
import { Badge } from '@/components/ui/Badge'
import { Card } from '@/components/ui/Card'
import { cn } from '@/components/ui/cn'
import { ConfirmDialog } from '@/components/ui/ConfirmDialog'
import { EmptyState } from '@/components/ui/EmptyState'
import { Fetched } from '@/components/ui/Fetched'
import { IconButton } from '@/components/ui/IconButton'
import { dotted, list, moment } from '@/i18n/format'
import { benchKeys, benchmarks } from './queries'
import type { Benchmark } from './rows'

export interface SavedRunsProps {
  shown: string | undefined
  onShow: (id: string | undefined) => void
  mayDelete: boolean
}

/** What was measured before, the newest first. */
export function SavedRuns({ shown, onShow, mayDelete }: SavedRunsProps) {
  const { t } = useTranslation('bench')
  const cache = useQueryClient()
  const query = useQuery(benchmarks)
  const [deleting, setDeleting] = useState<Benchmark>()
  const remove = async () => {
    if (!deleting) return
    await api.DELETE('/api/v1/benchmarks/{id}', { params: { path: { id: deleting.id } } })
    if (deleting.id === shown) onShow(undefined)
    await cache.invalidateQueries({ queryKey: benchKeys.all })
  }
  return (
    <Card title={t('saved.title')}>
      <Fetched query={query}>
        {(all) => (
          all.length === 0 ? (
            <EmptyState title={t('saved.empty')}>{t('saved.emptyHelp')}</EmptyState>
          ) : (
            <ul className="flex max-h-96 flex-col gap-1 overflow-y-auto">
              {all.map((run) => (
                <li key={run.id} className={cn('flex items-center gap-2 rounded-lg', run.id === shown && 'bg-accent-soft')}>
                  <button
                    type="button"
                    aria-current={run.id === shown}
                    onClick={() => onShow(run.id)}
                    className="min-w-0 flex-1 rounded-lg px-3 py-2 text-left -outline-offset-2 hover:bg-hover"
                  >
                    <span className="flex items-center gap-2">
                      <span className="min-w-0 font-medium wrap-anywhere">{nameOf(run)}</span>
                      {run.state !== 'done' && <State state={run.state ?? 'running'} />}
                    </span>
                    <span className="block text-xs wrap-anywhere text-ink-2">{factsOf(run)}</span>
                  </button>
                  {mayDelete && run.state !== 'running' && run.state !== 'waiting' && (
                    <IconButton
                      label={t('saved.deleteOne', { name: nameOf(run) })}
                      icon={<Trash2 />}
                      onClick={() => setDeleting(run)}
                    />
                  )}
                </li>
              ))}
            </ul>
          )
        )}
      </Fetched>
      <ConfirmDialog
        open={deleting !== undefined}
        onOpenChange={(open) => {
          if (!open) setDeleting(undefined)
        }}
        title={t('saved.ask')}
        description={t('saved.askHelp', { name: deleting ? nameOf(deleting) : '' })}
        action={t('saved.delete')}
        onConfirm={remove}
      />
    </Card>
  )
}

function State({ state }: { state: NonNullable<Benchmark['state']> }) {
  const { t } = useTranslation('bench')
  const tone = state === 'failed' ? 'bad' : state === 'cancelled' ? 'neutral' : 'accent'
  return <Badge tone={tone}>{t(`result.states.${state}`)}</Badge>
}

/** What a benchmark is called: its own name, or its models'. */
export function nameOf({ plan }: Benchmark): string {
  return plan.name || list(plan.models)
}

function factsOf({ began, setup, plan }: Benchmark): string {
  const version = setup.versions.find(([name]) => name === 'dovetail')
  const named = plan.name ? list(plan.models) : ''
  return dotted([moment(began), setup.processor, ...setup.gpus, version?.join(' '), named])
}
