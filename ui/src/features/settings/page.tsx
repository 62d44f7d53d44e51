import { useTranslation } from 'react-i18next'
import { Page } from '@/components/ui/Page'
import { EmptyState } from '@/components/ui/EmptyState'

export function SettingsPage() {
  const { t } = useTranslation()
  return (
    <Page title={t('nav.settings')}>
      <EmptyState title={t('state.empty')} />
    </Page>
  )
}
