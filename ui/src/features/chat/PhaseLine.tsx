import { useSyncExternalStore } from 'react'
import { Unplug } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Spinner } from '@/components/ui/Spinner'
import { phaseText } from './phase-text'
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
      <span className="truncate">{view.isCut ? t('phase.cut') : phaseText(t, view.phase, model)}</span>
    </p>
  )
}
