import { cva, type VariantProps } from 'class-variance-authority'
import type { ComponentProps } from 'react'
import { cn } from './cn'
import { Spinner } from './Spinner'

export const buttonClass = cva(
  'inline-flex shrink-0 items-center justify-center gap-1.5 rounded-md font-medium whitespace-nowrap select-none transition-colors duration-100 disabled:opacity-50 aria-disabled:opacity-50 [&_svg]:size-4 [&_svg]:shrink-0',
  {
    variants: {
      variant: {
        primary: 'bg-accent text-on-accent shadow-sm hover:bg-accent-hover',
        secondary: 'border border-line bg-surface text-ink shadow-sm hover:bg-hover active:bg-pressed',
        ghost: 'text-ink-2 hover:bg-hover hover:text-ink active:bg-pressed',
        danger: 'bg-bad-fill text-on-accent shadow-sm hover:brightness-95',
        quiet: 'text-bad hover:bg-bad-soft',
        link: 'h-auto! px-0! text-accent-ink underline-offset-4 hover:underline',
      },
      size: { sm: 'h-7 px-2.5 text-sm', md: 'h-8 px-3 text-base', lg: 'h-10 px-4 text-md' },
    },
    defaultVariants: { variant: 'secondary', size: 'md' },
  },
)

export interface ButtonProps extends ComponentProps<'button'>, VariantProps<typeof buttonClass> {
  /** Shows that it works, and takes no second press; it keeps the focus, which a disabled one loses. */
  busy?: boolean
}

export function Button({ variant, size, busy = false, className, children, disabled, onClick, type = 'button', ...rest }: ButtonProps) {
  return (
    <button
      type={type}
      className={cn(buttonClass({ variant, size }), className)}
      disabled={disabled === true && !busy}
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      // Of a form it keeps from sending it as well.
      onClick={busy ? (event) => event.preventDefault() : onClick}
      {...rest}
    >
      {busy && <Spinner />}
      {children}
    </button>
  )
}
