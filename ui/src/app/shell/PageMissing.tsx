import { Link } from '@tanstack/react-router'
import { Compass } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { buttonClass } from '@/components/ui/Button'
import { EmptyState } from '@/components/ui/EmptyState'

export function PageMissing() {
  const { t } = useTranslation()
  return (
    <EmptyState
      className="h-full"
      icon={<Compass />}
      title={t('error.missing')}
      actions={
        <Link to="/chat" className={buttonClass({ variant: 'primary' })}>
          {t('error.home')}
        </Link>
      }
    >
      {t('error.missingHelp')}
    </EmptyState>
  )
}
