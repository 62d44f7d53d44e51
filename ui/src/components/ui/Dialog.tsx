import { Dialog as Base } from '@base-ui/react/dialog'
import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { cn } from './cn'

export interface DialogProps {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: ReactNode
  description?: ReactNode
  children?: ReactNode
  /** Buttons, the one that does it last. */
  footer?: ReactNode
  size?: 'sm' | 'md' | 'lg' | 'xl'
  /** What would be lost with it: with input a press beside it does not close it, with a secret Escape does not either. */
  holds?: 'input' | 'secret' | undefined
}

const WIDTHS = { sm: 'max-w-96', md: 'max-w-lg', lg: 'max-w-3xl', xl: 'max-w-5xl' }

export function Dialog({ open, onOpenChange, title, description, children, footer, size = 'md', holds }: DialogProps) {
  const { t } = useTranslation()
  return (
    <Base.Root
      open={open}
      disablePointerDismissal={holds !== undefined}
      onOpenChange={(next, { reason }) => {
        if (holds !== 'secret' || reason !== 'escape-key') onOpenChange(next)
      }}
    >
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-40 bg-shade transition-opacity duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Base.Popup
          className={cn(
            'popup fixed top-1/2 left-1/2 z-50 flex max-h-[min(86dvh,52rem)] w-[calc(100vw-2rem)] -translate-x-1/2 -translate-y-1/2 flex-col rounded-xl border border-line bg-surface text-ink shadow-lg outline-none',
            WIDTHS[size],
          )}
        >
          <header className="py-3 pt-4 pr-14 pl-5">
            <Base.Title className="text-lg font-semibold wrap-anywhere">{title}</Base.Title>
            {description !== undefined && <Base.Description className="mt-1 text-base text-ink-2">{description}</Base.Description>}
          </header>
          {children !== undefined && <div className="min-h-0 flex-1 overflow-y-auto px-5 py-1">{children}</div>}
          {footer === undefined ? <div className="h-4" /> : <footer className="flex flex-wrap justify-end gap-2 px-5 pt-3 pb-4">{footer}</footer>}
          {/* Behind all that it holds: what is asked for has the focus first. */}
          <Base.Close
            aria-label={t('action.close')}
            className="absolute top-3.5 right-3.5 flex size-7 items-center justify-center rounded-md text-ink-3 hover:bg-hover hover:text-ink"
          >
            <X className="size-4" />
          </Base.Close>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}
