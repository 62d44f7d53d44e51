import { useTranslation } from 'react-i18next'
import { Dot } from '@/components/ui/Dot'
import { percent } from '@/i18n/format'
import type { Row, State } from './entries'

const TONES = { unloaded: 'off', starting: 'accent', ready: 'good', busy: 'good', stopping: 'warn', failed: 'bad' } as const satisfies Record<State, string>

/** A model's state: its colour and its word. */
export function StateMark({ row }: { row: Row }) {
  const { t } = useTranslation('models')
  const isLoading = row.state === 'starting'
  const word = isLoading && row.progress !== null ? t('state.progress', { percent: percent(row.progress) }) : t(`state.${row.state}`)
  return (
    <span className="inline-flex items-center gap-1.5 text-sm font-medium whitespace-nowrap" data-state={row.state}>
      <Dot tone={TONES[row.state]} pulse={isLoading || row.state === 'busy' || row.state === 'stopping'} />
      {word}
    </span>
  )
}
