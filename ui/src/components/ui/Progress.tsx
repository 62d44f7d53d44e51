import { Progress as Base } from '@base-ui/react/progress'
import type { ReactNode } from 'react'
import { cn } from './cn'

export interface ProgressProps {
  /** Of 100; null while nobody knows. */
  value: number | null
  label: string
  hideLabel?: boolean
  /** At the right of the label. */
  aside?: ReactNode
  tone?: 'accent' | 'good' | 'warn' | 'bad'
  className?: string
}

const TONES = { accent: 'bg-accent', good: 'bg-good-mark', warn: 'bg-warn-mark', bad: 'bg-bad-mark' }

export function Progress({ value, label, hideLabel = false, aside, tone = 'accent', className }: ProgressProps) {
  return (
    <Base.Root value={value} className={cn('flex min-w-0 flex-col gap-1', className)}>
      <div className={cn('flex gap-2 text-sm', hideLabel && aside === undefined && 'sr-only')}>
        <Base.Label className={cn('min-w-0 flex-1 truncate', hideLabel && 'sr-only')}>{label}</Base.Label>
        {aside !== undefined && <span className="tabular text-ink-2">{aside}</span>}
      </div>
      <Base.Track className="h-1.5 w-full overflow-hidden rounded-full bg-pressed">
        <Base.Indicator className={cn('h-full rounded-full transition-[width] duration-200 data-indeterminate:w-1/3 data-indeterminate:animate-pulse', TONES[tone])} />
      </Base.Track>
    </Base.Root>
  )
}
