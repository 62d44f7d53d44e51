import { useId, type ComponentProps, type ReactNode } from 'react'
import { cn } from './cn'

export interface FieldProps extends Omit<ComponentProps<'input'>, 'size'> {
  label: ReactNode
  hideLabel?: boolean
  description?: ReactNode
  /** What is wrong with it, and what to do. */
  error?: ReactNode
  onValueChange?: (value: string) => void
  /** In the box, behind the text: a unit, a button. */
  suffix?: ReactNode
  prefix?: string
}

export const inputClass =
  'w-full min-w-0 bg-transparent px-2.5 text-base text-ink outline-none placeholder:text-ink-3 disabled:opacity-50'
export const boxClass =
  'flex min-h-8 items-center rounded-md border border-line-strong/60 bg-surface shadow-sm focus-within:border-accent-ink focus-within:outline-1 focus-within:outline-accent-ink has-aria-invalid:border-bad-mark'

export function Field({ label, hideLabel = false, description, error, onValueChange, suffix, prefix, className, id, ...rest }: FieldProps) {
  const own = useId()
  const name = id ?? own
  const described = [description !== undefined && `${name}-more`, error !== undefined && `${name}-error`].filter(Boolean).join(' ')
  return (
    <div className={cn('flex min-w-0 flex-col gap-1', className)}>
      <label htmlFor={name} className={cn('text-sm font-medium wrap-anywhere', hideLabel && 'sr-only')}>
        {label}
      </label>
      <div className={boxClass}>
        {prefix !== undefined && <span className="pl-2.5 text-base text-ink-3">{prefix}</span>}
        <input
          id={name}
          className={cn(inputClass, 'h-7.5')}
          aria-invalid={error === undefined ? undefined : true}
          aria-describedby={described === '' ? undefined : described}
          onChange={(event) => onValueChange?.(event.target.value)}
          {...rest}
        />
        {suffix !== undefined && <span className="flex shrink-0 items-center pr-1.5 text-sm text-ink-3">{suffix}</span>}
      </div>
      {error !== undefined && (
        <div id={`${name}-error`} role="alert" className="text-xs text-bad">
          {error}
        </div>
      )}
      {description !== undefined && (
        <p id={`${name}-more`} className="text-xs text-ink-3">
          {description}
        </p>
      )}
    </div>
  )
}
