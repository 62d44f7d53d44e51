import { useTranslation } from 'react-i18next'
import { cn } from './cn'

/** The shape of what is coming. */
export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden="true" className={cn('animate-pulse rounded-md bg-pressed/70', className)} />
}

export interface SkeletonListProps {
  rows?: number
  className?: string
  rowClassName?: string
}

/** A list that is coming. */
export function SkeletonList({ rows = 4, className, rowClassName }: SkeletonListProps) {
  const { t } = useTranslation()
  return (
    <div role="status" className={cn('flex flex-col gap-2', className)}>
      <span className="sr-only">{t('state.loading')}</span>
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} className={cn('h-10 w-full', rowClassName)} />
      ))}
    </div>
  )
}
