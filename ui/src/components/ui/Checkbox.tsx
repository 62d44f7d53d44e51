import { Checkbox as Base } from '@base-ui/react/checkbox'
import { Check } from 'lucide-react'
import { useId, type ReactNode } from 'react'
import { cn } from './cn'

export interface CheckboxProps {
  checked: boolean
  onCheckedChange: (checked: boolean) => void
  label: ReactNode
  hideLabel?: boolean
  disabled?: boolean
}

export function Checkbox({ checked, onCheckedChange, label, hideLabel = false, disabled }: CheckboxProps) {
  const id = useId()
  return (
    <span className="inline-flex items-center gap-2">
      <Base.Root
        id={id}
        checked={checked}
        onCheckedChange={(next) => onCheckedChange(next)}
        disabled={disabled}
        className="flex size-4.5 shrink-0 items-center justify-center rounded-sm border border-line-strong bg-surface text-on-accent data-checked:border-accent data-checked:bg-accent data-disabled:opacity-50"
      >
        <Base.Indicator>
          <Check className="size-3.5" strokeWidth={3} />
        </Base.Indicator>
      </Base.Root>
      <label htmlFor={id} className={cn('text-base', hideLabel && 'sr-only')}>
        {label}
      </label>
    </span>
  )
}
