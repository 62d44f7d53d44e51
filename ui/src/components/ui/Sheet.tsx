import { Dialog as Base } from '@base-ui/react/dialog'
import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { cn } from './cn'

export interface SheetProps {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: ReactNode
  children: ReactNode
  footer?: ReactNode
  /** Where it comes in; on a phone always from below where it is `right`. */
  side?: 'right' | 'left' | 'bottom'
  wide?: boolean
}

const SIDES = {
  right:
    'inset-x-0 bottom-0 max-h-[88dvh] rounded-t-xl border-t md:inset-y-0 md:left-auto md:max-h-none md:rounded-none md:border-t-0 md:border-l data-starting-style:translate-y-8 data-ending-style:translate-y-8 md:data-starting-style:translate-y-0 md:data-ending-style:translate-y-0 md:data-starting-style:translate-x-8 md:data-ending-style:translate-x-8',
  left: 'inset-y-0 left-0 border-r data-starting-style:-translate-x-8 data-ending-style:-translate-x-8',
  bottom: 'inset-x-0 bottom-0 max-h-[88dvh] rounded-t-xl border-t data-starting-style:translate-y-8 data-ending-style:translate-y-8',
}

/** A drawer at the edge of the window, over the page. */
export function Sheet({ open, onOpenChange, title, children, footer, side = 'right', wide = false }: SheetProps) {
  const { t } = useTranslation()
  return (
    <Base.Root open={open} onOpenChange={(next) => onOpenChange(next)}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-40 bg-shade transition-opacity duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Base.Popup
          className={cn(
            'fixed z-50 flex flex-col border-line bg-surface text-ink shadow-lg outline-none transition-[opacity,transform] duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0',
            SIDES[side],
            side === 'right' && (wide ? 'md:w-[min(46rem,92vw)]' : 'md:w-[min(26rem,92vw)]'),
            side === 'left' && 'w-[min(20rem,86vw)]',
          )}
        >
          <header className="flex h-12 shrink-0 items-center border-b border-line pr-14 pl-4">
            <Base.Title className="truncate text-md font-semibold">{title}</Base.Title>
          </header>
          <div className="min-h-0 flex-1 overflow-y-auto p-4">{children}</div>
          {footer !== undefined && <footer className="flex justify-end gap-2 border-t border-line px-4 py-3">{footer}</footer>}
          {/* Behind all that it holds, which has the focus first. */}
          <Base.Close aria-label={t('action.close')} className="absolute top-2.5 right-3.5 flex size-7 items-center justify-center rounded-md text-ink-3 hover:bg-hover hover:text-ink">
            <X className="size-4" />
          </Base.Close>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}
