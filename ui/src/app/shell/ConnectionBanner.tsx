import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Spinner } from '@/components/ui/Spinner'
import { useLink } from '@/realtime/hub'

const AFTER = 2000

/** Says above the page that the server is gone, once it has been for a moment. */
export function ConnectionBanner() {
  const { t } = useTranslation()
  const lost = useLink() === 'lost'
  const [shown, setShown] = useState(false)
  useEffect(() => {
    if (!lost) return undefined
    const timer = setTimeout(() => setShown(true), AFTER)
    return () => {
      clearTimeout(timer)
      setShown(false)
    }
  }, [lost])
  if (!lost || !shown) return null
  return (
    <div className="flex shrink-0 items-center gap-2 bg-bad-soft px-4 py-1.5 text-sm text-ink">
      <Spinner className="text-bad" />
      {t('connection.lostBanner')}
    </div>
  )
}
