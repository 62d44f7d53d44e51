import { Toggle } from '@base-ui/react/toggle'
import { ToggleGroup } from '@base-ui/react/toggle-group'
import type { ReactNode } from 'react'
import { cn } from './cn'

export interface SegmentedProps<T extends string> {
  value: T
  onValueChange: (value: T) => void
  choices: readonly { value: T; label: ReactNode; name?: string }[]
  label: string
  size?: 'sm' | 'md'
}

/** One of a few, all in sight. */
export function Segmented<T extends string>({ value, onValueChange, choices, label, size = 'md' }: SegmentedProps<T>) {
  return (
    <ToggleGroup
      value={[value]}
      onValueChange={([next]) => {
        if (next !== undefined) onValueChange(next as T)
      }}
      aria-label={label}
      className="inline-flex gap-0.5 rounded-lg border border-line bg-sunken p-0.5"
    >
      {choices.map((choice) => (
        <Toggle
          key={choice.value}
          value={choice.value}
          aria-label={choice.name}
          className={cn(
            'flex items-center gap-1.5 rounded-md px-2.5 font-medium whitespace-nowrap text-ink-2 hover:text-ink data-pressed:bg-surface data-pressed:text-ink data-pressed:ring-1 data-pressed:ring-line-strong/60 [&_svg]:size-4',
            size === 'sm' ? 'h-6 text-sm' : 'h-7 text-base',
          )}
        >
          {choice.label}
        </Toggle>
      ))}
    </ToggleGroup>
  )
}
