import { useBlocker } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { ConfirmDialog } from '@/components/ui/ConfirmDialog'
import { hasUnsaved } from './unsaved'

/** Asks before changes that are not saved are left; of the tab itself the browser asks. Inside the dialog they are in. */
export function UnsavedGuard() {
  const { t } = useTranslation()
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) =>
      hasUnsaved() && (current.pathname !== next.pathname || JSON.stringify(current.search) !== JSON.stringify(next.search)),
    enableBeforeUnload: hasUnsaved,
    withResolver: true,
  })
  return (
    <ConfirmDialog
      open={blocker.status === 'blocked'}
      onOpenChange={() => blocker.reset?.()}
      title={t('unsaved.title')}
      description={t('unsaved.help')}
      action={t('unsaved.leave')}
      dismissal={t('unsaved.stay')}
      onConfirm={() => Promise.resolve(blocker.proceed?.())}
    />
  )
}
