import { useId, type ComponentProps, type ReactNode } from 'react'
import { cn } from './cn'
import { boxClass, inputClass } from './Field'

export interface TextAreaProps extends ComponentProps<'textarea'> {
  label: ReactNode
  hideLabel?: boolean
  description?: ReactNode
  error?: ReactNode
  onValueChange?: (value: string) => void
}

/** A field of several lines that grows with its text. */
export function TextArea({ label, hideLabel = false, description, error, onValueChange, className, id, ...rest }: TextAreaProps) {
  const own = useId()
  const name = id ?? own
  const described = [description !== undefined && `${name}-more`, error !== undefined && `${name}-error`].filter(Boolean).join(' ')
  return (
    <div className={cn('flex min-w-0 flex-col gap-1', className)}>
      <label htmlFor={name} className={cn('text-sm font-medium', hideLabel && 'sr-only')}>
        {label}
      </label>
      <div className={boxClass}>
        <textarea
          id={name}
          className={cn(inputClass, 'field-sizing-content max-h-80 min-h-16 resize-y py-1.5')}
          aria-invalid={error === undefined ? undefined : true}
          aria-describedby={described === '' ? undefined : described}
          onChange={(event) => onValueChange?.(event.target.value)}
          {...rest}
        />
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
