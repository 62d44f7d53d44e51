import { Slider as Base } from '@base-ui/react/slider'
import type { ReactNode } from 'react'

export interface SliderProps {
  value: number
  onValueChange: (value: number) => void
  min: number
  max: number
  step?: number
  label: string
  /** At the right of the label: the value as it is written, a button to reset it. */
  aside?: ReactNode
  disabled?: boolean
}

export function Slider({ value, onValueChange, min, max, step = 1, label, aside, disabled }: SliderProps) {
  return (
    <Base.Root value={value} onValueChange={(next) => onValueChange(next as number)} min={min} max={max} step={step} disabled={disabled} className="flex flex-col gap-1.5">
      <div className="flex items-center gap-2">
        <Base.Label className="flex-1 text-sm font-medium">{label}</Base.Label>
        {aside ?? <Base.Value className="tabular text-sm text-ink-2" />}
      </div>
      <Base.Control className="flex h-5 touch-none items-center select-none">
        <Base.Track className="h-1 w-full rounded-full bg-pressed">
          <Base.Indicator className="rounded-full bg-accent" />
          <Base.Thumb aria-label={label} className="size-4 rounded-full border-2 border-accent bg-surface shadow-sm has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent-ink" />
        </Base.Track>
      </Base.Control>
    </Base.Root>
  )
}
