import { useTranslation } from 'react-i18next'
import { Reason } from '@/components/ui/Reason'
import type { Figure } from './series'
import type { Unit } from './figures'
import { written } from './value'

export interface TileProps {
  label: string
  figure: Figure
  unit: Unit
  /** Behind the number: its unit where that is a word. */
  suffix?: string
  /** A second line. */
  more?: string | undefined
  /** 0 to 1, drawn as a bar. */
  share?: number | undefined
}

/** One figure; where there is none, why. */
export function Tile({ label, figure, unit, suffix, more, share }: TileProps) {
  const { t } = useTranslation('monitor')
  const known = typeof figure === 'number'
  return (
    <div className="flex min-w-0 flex-col rounded-xl border border-line bg-surface px-3.5 py-3 shadow-sm">
      <dt className="text-xs font-medium text-ink-2">{label}</dt>
      <dd className="mt-1 flex min-w-0 flex-1 flex-col">
        {known ? (
          <span className="tabular text-xl font-semibold whitespace-nowrap">
            {written(figure, unit)}
            {suffix !== undefined && <span className="ml-1 text-sm font-normal text-ink-3">{suffix}</span>}
          </span>
        ) : (
          <>
            <span className="text-base font-medium text-ink-2">{t('notAvailable')}</span>
            <Reason className="mt-0.5 text-xs text-ink-3">{figure.unknown}</Reason>
          </>
        )}
        {known && more !== undefined && <span title={more} className="tabular mt-0.5 truncate text-xs text-ink-3">{more}</span>}
        {known && share !== undefined && (
          <span aria-hidden="true" className="mt-auto block pt-2">
            <span className="block h-1 overflow-hidden rounded-full bg-pressed">
              <span
                className="block h-full rounded-full bg-accent"
                style={{ width: `${Math.min(100, Math.max(0, share * 100))}%` }}
              />
            </span>
          </span>
        )}
      </dd>
    </div>
  )
}
