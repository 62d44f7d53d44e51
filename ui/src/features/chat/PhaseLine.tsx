import { useSyncExternalStore } from 'react'
import { Unplug } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Spinner } from '@/components/ui/Spinner'
import { duration, number, percent, rate } from '@/i18n/format'
import type { RunView } from './run-events'
import { runs } from './runs'

/** What the server does for the answer now, with numbers; empty when nothing goes on. */
export function PhaseLine({ messageId, model }: { messageId: string | null; model: string }) {
  const { t } = useTranslation('chat')
  const view = useSyncExternalStore(
    (listener) => (messageId === null ? () => undefined : runs.subscribe(messageId, listener)),
    () => (messageId === null ? undefined : runs.view(messageId)),
  )
  if (view === undefined || view.status !== 'streaming') return null
  return (
    <p data-testid="phase" data-phase={view.phase.phase} className="tabular flex items-center gap-2 px-1 py-1 text-xs text-ink-2">
      {view.isCut ? <Unplug aria-hidden size={14} className="text-warn" /> : <Spinner className="size-3.5" />}
      <span className="truncate">{view.isCut ? t('phase.cut') : said(t, view, model)}</span>
    </p>
  )
}

type T = ReturnType<typeof useTranslation<'chat'>>['t']

function said(t: T, view: RunView, model: string): string {
  const { phase } = view
  switch (phase.phase) {
    case 'starting':
      return t('phase.starting')
    case 'queued': {
      const place = t('phase.queued', { position: number(phase.position ?? 0) })
      return phase.wait === null ? place : `${place} · ${t('phase.wait', { time: duration(phase.wait) })}`
    }
    case 'loading': {
      const name = phase.model ?? model
      return phase.progress === null ? t('phase.loading', { model: name }) : t('phase.loadingShare', { model: name, share: percent(phase.progress) })
    }
    case 'reading': {
      const read = t('phase.reading', { done: number(phase.done ?? 0), total: number(phase.total ?? 0) })
      return (phase.cached ?? 0) > 0 ? `${read} · ${t('message.cached', { tokens: number(phase.cached ?? 0) })}` : read
    }
    case 'thinking':
    case 'answering': {
      const what = t(phase.phase === 'thinking' ? 'phase.thinking' : 'phase.answering')
      return phase.per_second === null ? what : `${what} · ${t('message.tokens', { count: phase.tokens ?? 0, tokens: number(phase.tokens ?? 0) })} · ${t('message.rate', { rate: rate(phase.per_second) })}`
    }
  }
}
