import { Tabs as Base } from '@base-ui/react/tabs'
import type { ReactNode } from 'react'
import { cn } from './cn'

export interface Tab<T extends string> {
  value: T
  label: ReactNode
  content?: ReactNode
  disabled?: boolean
}

export interface TabsProps<T extends string> {
  value: T
  onValueChange: (value: T) => void
  tabs: readonly Tab<T>[]
  label: string
  /** Beside the tabs, at the right. */
  aside?: ReactNode
  className?: string
}

export function Tabs<T extends string>({ value, onValueChange, tabs, label, aside, className }: TabsProps<T>) {
  return (
    <Base.Root value={value} onValueChange={(next) => onValueChange(next as T)} className={cn('flex min-h-0 flex-col', className)}>
      <div className="flex items-center gap-2 border-b border-line">
        <Base.List aria-label={label} className="relative flex min-w-0 flex-1 flex-wrap gap-x-1">
          {tabs.map((tab) => (
            <Base.Tab
              key={tab.value}
              value={tab.value}
              disabled={tab.disabled}
              className="flex h-9 items-center gap-1.5 rounded-t-md px-2.5 text-base font-medium whitespace-nowrap text-ink-2 -outline-offset-2 hover:text-ink data-active:text-ink data-disabled:opacity-50"
            >
              {tab.label}
            </Base.Tab>
          ))}
          <Base.Indicator className="absolute top-[calc(var(--active-tab-top)+var(--active-tab-height)-2px)] left-(--active-tab-left) h-0.5 w-(--active-tab-width) rounded-full bg-accent transition-[left,width] duration-150" />
        </Base.List>
        {aside}
      </div>
      {tabs.map((tab) =>
        tab.content === undefined ? null : (
          <Base.Panel key={tab.value} value={tab.value} className="min-h-0 flex-1 pt-4 -outline-offset-2">
            {tab.content}
          </Base.Panel>
        ),
      )}
    </Base.Root>
  )
}
