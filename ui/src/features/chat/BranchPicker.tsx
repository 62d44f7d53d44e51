import { ChevronLeft, ChevronRight } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { IconButton } from '@/components/ui/IconButton'
import { number } from '@/i18n/format'
import type { Place } from './tree'

/** ‹ 2/3 ›: the other versions of a message. */
export function BranchPicker({ place, onStep }: { place: Place; onStep: (by: 1 | -1) => void }) {
  const { t } = useTranslation('chat')
  if (place.count < 2) return null
  const [at, of] = [number(place.index + 1), number(place.count)]
  return (
    <div role="group" aria-label={t('branch.label', { at, of })} className="flex items-center text-xs text-ink-3">
      <IconButton size="sm" label={t('branch.previous')} icon={<ChevronLeft />} disabled={place.index === 0} onClick={() => onStep(-1)} />
      <span className="tabular" aria-hidden>
        {at}/{of}
      </span>
      <IconButton size="sm" label={t('branch.next')} icon={<ChevronRight />} disabled={place.index === place.count - 1} onClick={() => onStep(1)} />
    </div>
  )
}
