import type { ReactNode } from 'react'
import { cn } from './cn'

export interface CardProps {
  title?: ReactNode
  description?: ReactNode
  /** At the right of the title. */
  actions?: ReactNode
  children?: ReactNode
  className?: string
}

export function Card({ title, description, actions, children, className }: CardProps) {
  return (
    <section className={cn('rounded-xl border border-line bg-surface shadow-sm', className)}>
      {title !== undefined && (
        <header className="flex flex-wrap items-start gap-x-3 gap-y-2 px-4 pt-3.5 pb-1">
          <div className="min-w-0 flex-1 basis-48">
            <h2 className="text-md font-semibold">{title}</h2>
            {description !== undefined && <p className="mt-0.5 text-sm text-ink-2">{description}</p>}
          </div>
          {actions !== undefined && <div className="flex shrink-0 gap-2">{actions}</div>}
        </header>
      )}
      <div className="p-4">{children}</div>
    </section>
  )
}
