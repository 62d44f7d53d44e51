import { Select as Base } from '@base-ui/react/select'
import { Check, ChevronDown } from 'lucide-react'
import { useId, type ReactNode } from 'react'
import { cn } from './cn'

export interface Choice<T extends string> {
  value: T
  label: string
  /** A second line. */
  hint?: ReactNode
  disabled?: boolean
}

export interface SelectProps<T extends string> {
  value: T | null
  onValueChange: (value: T) => void
  choices: readonly Choice<T>[]
  /** Its name; shown above it unless `hideLabel`. */
  label: string
  hideLabel?: boolean
  description?: ReactNode
  /** What is wrong with it, and what to do. */
  error?: ReactNode
  placeholder?: string
  disabled?: boolean
  size?: 'sm' | 'md'
  className?: string
}

export function Select<T extends string>({
  value, onValueChange, choices, label, hideLabel = false, description, error, placeholder, disabled, size = 'md', className,
}: SelectProps<T>) {
  const id = useId()
  return (
    <div className={cn('flex min-w-0 flex-col gap-1', className)}>
      <Base.Root<T>
        value={value}
        onValueChange={(next) => {
          if (next !== null) onValueChange(next)
        }}
        items={choices.map(({ value: each, label: name }) => ({ value: each, label: name }))}
        disabled={disabled}
      >
        <Base.Label className={cn('text-sm font-medium text-ink', hideLabel && 'sr-only')}>{label}</Base.Label>
        <Base.Trigger
          aria-invalid={error === undefined ? undefined : true}
          aria-describedby={error === undefined ? undefined : id}
          className={cn(
            'flex min-w-0 items-center gap-2 rounded-md border border-line bg-surface text-left shadow-sm hover:bg-hover aria-invalid:border-bad-mark data-disabled:opacity-50',
            size === 'sm' ? 'h-7 px-2 text-sm' : 'h-8 px-2.5 text-base',
          )}
        >
          <span className="min-w-0 flex-1 truncate">
            <Base.Value placeholder={placeholder} />
          </span>
          <Base.Icon className="text-ink-3">
            <ChevronDown className="size-4" />
          </Base.Icon>
        </Base.Trigger>
        {error !== undefined && (
          <div id={id} role="alert" className="text-xs text-bad">
            {error}
          </div>
        )}
        {description !== undefined && <p className="text-xs text-ink-3">{description}</p>}
        <Base.Portal>
          <Base.Positioner alignItemWithTrigger={false} sideOffset={4} collisionPadding={8} className="z-50 outline-none">
            <Base.Popup className="popup max-h-(--available-height) min-w-(--anchor-width) overflow-y-auto rounded-lg border border-line bg-raised p-1 text-ink shadow-lg outline-none">
              <Base.List>
                {choices.map((choice) => (
                  <Base.Item
                    key={choice.value}
                    value={choice.value}
                    disabled={choice.disabled}
                    className="flex min-h-8 items-center gap-2 rounded-md px-2.5 py-1 text-base outline-none select-none data-disabled:opacity-50 data-highlighted:bg-hover"
                  >
                    <span className="min-w-0 flex-1">
                      <Base.ItemText>{choice.label}</Base.ItemText>
                      {choice.hint !== undefined && <span className="block text-xs text-ink-3">{choice.hint}</span>}
                    </span>
                    <Base.ItemIndicator>
                      <Check className="size-4 text-accent-ink" />
                    </Base.ItemIndicator>
                  </Base.Item>
                ))}
              </Base.List>
            </Base.Popup>
          </Base.Positioner>
        </Base.Portal>
      </Base.Root>
    </div>
  )
}
