import type { ReactNode } from 'react'
import { cn } from '@/components/ui/cn'

/** A setting: its name at the left, what sets it at the right. */
export function Row({ label, help, children }: { label: ReactNode; help?: ReactNode; children: ReactNode }) {
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line py-3 first:pt-0 last:border-0 last:pb-0">
      <div className={cn('min-w-0 flex-1', help === undefined ? 'basis-28' : 'basis-52')}>
        <p className="font-medium">{label}</p>
        {help !== undefined && <p className="text-sm text-ink-3">{help}</p>}
      </div>
      <div className="min-w-0">{children}</div>
    </div>
  )
}
