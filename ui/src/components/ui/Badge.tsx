import { cva, type VariantProps } from 'class-variance-authority'
import type { ReactNode } from 'react'
import { cn } from './cn'

const badgeClass = cva('inline-flex h-5 shrink-0 items-center gap-1 rounded-sm px-1.5 text-xs font-medium whitespace-nowrap [&_svg]:size-3', {
  variants: {
    tone: {
      neutral: 'bg-pressed/70 text-ink-2',
      accent: 'bg-accent-soft text-accent-ink',
      good: 'bg-good-soft text-good',
      warn: 'bg-warn-soft text-warn',
      bad: 'bg-bad-soft text-bad',
      gguf: 'bg-gguf-soft text-gguf',
      mlx: 'bg-mlx-soft text-mlx',
    },
  },
  defaultVariants: { tone: 'neutral' },
})

export interface BadgeProps extends VariantProps<typeof badgeClass> {
  children: ReactNode
  className?: string
}

export function Badge({ tone, children, className }: BadgeProps) {
  return <span className={cn(badgeClass({ tone }), className)}>{children}</span>
}
