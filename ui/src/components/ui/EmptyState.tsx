import type { ReactNode } from 'react'
import { cn } from './cn'

export interface EmptyStateProps {
  icon?: ReactNode
  title: ReactNode
  /** What to do to have something here. */
  children?: ReactNode
  actions?: ReactNode
  className?: string
  role?: 'alert'
}

export function EmptyState({ icon, title, children, actions, className, role }: EmptyStateProps) {
  return (
    <div role={role} className={cn('flex flex-col items-center justify-center gap-2 px-6 py-12 text-center', className)}>
      {icon !== undefined && <div className="mb-1 flex size-11 items-center justify-center rounded-xl bg-sunken text-ink-3 [&_svg]:size-5">{icon}</div>}
      <p className="text-md font-medium">{title}</p>
      {children !== undefined && <div className="max-w-md text-base text-ink-2">{children}</div>}
      {actions !== undefined && <div className="mt-2 flex flex-wrap justify-center gap-2">{actions}</div>}
    </div>
  )
}
