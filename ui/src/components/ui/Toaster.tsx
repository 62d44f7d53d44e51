import { Toast as Base } from '@base-ui/react/toast'
import { CircleAlert, CircleCheck, Info, X } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { cn } from './cn'
import { toasts, type Kept } from './Toast'

const ICONS = { info: Info, good: CircleCheck, bad: CircleAlert }
const COLOURS = { info: 'text-accent-ink', good: 'text-good', bad: 'text-bad' }

function Toasts() {
  const { t } = useTranslation()
  const { toasts: shown } = Base.useToastManager<Kept>()
  return shown.map((one) => {
    const tone = one.data?.tone ?? 'info'
    const Icon = ICONS[tone]
    return (
      <Base.Root
        key={one.id}
        toast={one}
        // By default what is urgent is hidden, as it is read out elsewhere, and can be reached by keyboard all the same.
        aria-hidden={false}
        className="relative mt-2 w-full rounded-lg border border-line bg-raised p-3 pr-9 text-ink shadow-lg transition-[opacity,transform] duration-150 data-ending-style:translate-y-2 data-ending-style:opacity-0 data-limited:hidden data-starting-style:translate-y-2 data-starting-style:opacity-0"
      >
        <Base.Content className="flex items-start gap-2.5">
          <Icon aria-hidden="true" className={cn('mt-0.75 size-4 shrink-0', COLOURS[tone])} />
          <div className="min-w-0 flex-1">
            <Base.Title className="text-base font-medium break-words" />
            <Base.Description className="text-sm break-words text-ink-2" />
            {one.data?.detail !== undefined && (
              <p lang="en" className="text-xs break-words text-ink-2">
                {one.data.detail}
              </p>
            )}
          </div>
          <Base.Action className="h-7 shrink-0 rounded-md px-2 text-sm font-medium text-accent-ink hover:bg-hover" />
        </Base.Content>
        <Base.Close aria-hidden={false} aria-label={t('action.dismiss')} className="absolute top-2 right-2 flex size-6 items-center justify-center rounded-md text-ink-3 hover:bg-hover hover:text-ink">
          <X className="size-4" />
        </Base.Close>
      </Base.Root>
    )
  })
}

/** Where toasts appear; once, in the shell. */
export function Toaster() {
  return (
    <Base.Provider toastManager={toasts} limit={4}>
      <Base.Portal>
        <Base.Viewport className="fixed right-4 bottom-(--toasts) left-4 z-70 mx-auto flex max-w-96 flex-col md:left-auto md:mx-0 md:w-96">
          <Toasts />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  )
}
