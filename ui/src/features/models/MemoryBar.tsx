import { useTranslation } from 'react-i18next'
import { Badge } from '@/components/ui/Badge'
import { cn } from '@/components/ui/cn'
import { list } from '@/i18n/format'
import { memory } from './figures'
import { bar, fit, TONES, type Estimate, type Part } from './fit'

const COLOURS: Record<Part, string> = { weights: 'bg-chart-1', kv: 'bg-chart-2', scratch: 'bg-chart-3', cache: 'bg-chart-4', process: 'bg-chart-6' }

export interface MemoryBarProps {
  estimate: Estimate
  /** It is of other settings than those in the fields. */
  stale?: boolean
}

/** What a load would take, part by part, beside what all models may take. */
export function MemoryBar({ estimate, stale = false }: MemoryBarProps) {
  const { t } = useTranslation('models')
  const found = bar(estimate)
  const how = fit(estimate)
  const total = memory(found.total)
  const whole = found.limit === null ? total : t('load.of', { total, limit: memory(found.limit) })
  return (
    <section aria-label={t('load.estimate')} aria-busy={stale} className={cn('flex flex-col gap-2 rounded-lg border border-line bg-sunken p-3 transition-opacity', stale && 'opacity-60')}>
      <div className="flex flex-wrap items-center gap-2">
        <h3 className="text-base font-semibold">{t('load.estimate')}</h3>
        <span className="text-sm text-ink-2">({t(estimate.measured ? 'load.measured' : 'load.reckoned')})</span>
        <span role="status" className="ml-auto flex items-center gap-2">
          <span className="tabular text-base font-medium" data-testid="estimate">{whole}</span>
          <Badge tone={TONES[how]}>{t(`load.fit.${how}`, { models: list(estimate.evict) })}</Badge>
        </span>
      </div>
      <div aria-hidden="true" className="flex h-2.5 overflow-hidden rounded-full bg-pressed">
        {found.othersShare > 0 && <span className="bg-line-strong/50" style={{ width: `${found.othersShare * 100}%` }} />}
        {found.parts.map((part) => (
          <span key={part.name} className={COLOURS[part.name]} style={{ width: `${part.share * 100}%` }} />
        ))}
      </div>
      <ul className="flex flex-wrap gap-x-4 gap-y-1 text-sm">
        {found.parts.map((part) => (
          <li key={part.name} className="flex items-center gap-1.5">
            <span aria-hidden="true" className={cn('size-2.5 rounded-sm', COLOURS[part.name])} />
            {t(`load.part.${part.name}`)} <span className="tabular text-ink-2">{memory(part.bytes)}</span>
          </li>
        ))}
        {found.others > 0 && (
          <li className="flex items-center gap-1.5 text-ink-2">
            <span aria-hidden="true" className="size-2.5 rounded-sm bg-line-strong/50" />
            {t('load.others', { size: memory(found.others) })}
          </li>
        )}
      </ul>
    </section>
  )
}
