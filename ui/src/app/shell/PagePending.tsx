import { useTranslation } from 'react-i18next'
import { Spinner } from '@/components/ui/Spinner'

/** A page whose code is on its way. */
export function PagePending() {
  const { t } = useTranslation()
  return (
    <div role="status" className="flex h-full min-h-40 items-center justify-center gap-2 text-ink-3">
      <Spinner />
      {t('state.loading')}
    </div>
  )
}
