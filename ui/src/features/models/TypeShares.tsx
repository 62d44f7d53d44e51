import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { cn } from '@/components/ui/cn'
import { bytes, number, percent } from '@/i18n/format'

const COLOURS = ['bg-chart-1', 'bg-chart-2', 'bg-chart-3', 'bg-chart-4', 'bg-chart-5', 'bg-chart-6'] as const

/** How the bytes of a model are divided among types of tensors. */
export function TypeShares({ types }: { types: readonly Schemas['TypeShareAnswer'][] }) {
  const { t } = useTranslation('models')
  return (
    <div className="flex flex-col gap-2">
      <div aria-hidden="true" className="flex h-2.5 overflow-hidden rounded-full bg-pressed">
        {types.map((share, place) => (
          <span key={share.type} className={COLOURS[place % COLOURS.length]} style={{ width: `${share.percent}%` }} />
        ))}
      </div>
      <ul className="flex flex-wrap gap-x-4 gap-y-1 text-sm" data-testid="types">
        {types.map((share, place) => (
          <li key={share.type} className="flex items-center gap-1.5">
            <span aria-hidden="true" className={cn('size-2.5 rounded-sm', COLOURS[place % COLOURS.length])} />
            {t('overview.share', { type: share.type, percent: percent(share.percent / 100, 1), value: number(share.tensors), size: bytes(share.bytes) })}
          </li>
        ))}
      </ul>
    </div>
  )
}
