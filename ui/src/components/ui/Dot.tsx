import { cn } from './cn'

const TONES = { good: 'bg-good-mark', warn: 'bg-warn-mark', bad: 'bg-bad-mark', accent: 'bg-accent', off: 'bg-line-strong' }

export interface DotProps {
  tone: keyof typeof TONES
  /** Something goes on. */
  pulse?: boolean
  className?: string
}

/** A state as a colour; a word beside it says the same. */
export function Dot({ tone, pulse = false, className }: DotProps) {
  return <span aria-hidden="true" data-tone={tone} className={cn('inline-block size-2 shrink-0 rounded-full', TONES[tone], pulse && 'animate-pulse', className)} />
}
