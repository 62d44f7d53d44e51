import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { cn } from './cn'

export interface AlertProps {
  tone?: 'info' | 'good' | 'warn' | 'bad'
  title?: ReactNode
  children?: ReactNode
  /** Buttons at the end. */
  actions?: ReactNode
  className?: string
}

const TONES = {
  info: { box: 'bg-accent-soft', mark: 'text-accent-ink', icon: Info },
  good: { box: 'bg-good-soft', mark: 'text-good', icon: CircleCheck },
  warn: { box: 'bg-warn-soft', mark: 'text-warn', icon: TriangleAlert },
  bad: { box: 'bg-bad-soft', mark: 'text-bad', icon: CircleAlert },
}

/** What happened and what to do, in place. One that appears is read aloud. */
export function Alert({ tone = 'info', title, children, actions, className }: AlertProps) {
  const { box, mark, icon: Icon } = TONES[tone]
  return (
    <div role={tone === 'bad' ? 'alert' : 'status'} className={cn('flex flex-wrap gap-2.5 rounded-lg px-3 py-2.5 text-base text-ink', box, className)}>
      <Icon aria-hidden="true" className={cn('mt-0.75 size-4 shrink-0', mark)} />
      <div className="min-w-0 flex-1 basis-40">
        {title !== undefined && <p className="font-medium">{title}</p>}
        {children !== undefined && <div className={cn('break-words', title !== undefined && 'text-ink-2')}>{children}</div>}
      </div>
      {actions !== undefined && <div className="ml-auto flex flex-wrap items-start gap-2">{actions}</div>}
    </div>
  )
}
