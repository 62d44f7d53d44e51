import type { ReactNode } from 'react'
import { Button, type ButtonProps } from './Button'
import { cn } from './cn'
import { Tooltip } from './Tooltip'

export interface IconButtonProps extends Omit<ButtonProps, 'children' | 'aria-label'> {
  /** Its name, for everybody: shown on hover and focus, read aloud. */
  label: string
  icon: ReactNode
}

export function IconButton({ label, icon, className, size = 'md', variant = 'ghost', ...rest }: IconButtonProps) {
  const width = { sm: 'w-7', md: 'w-8', lg: 'w-10' }[size ?? 'md']
  return (
    <Tooltip text={label}>
      <Button aria-label={label} size={size} variant={variant} className={cn('px-0', width, className)} {...rest}>
        {icon}
      </Button>
    </Tooltip>
  )
}
