import { useTranslation } from 'react-i18next'
import { Page } from '@/components/ui/Page'
import { EmptyState } from '@/components/ui/EmptyState'

export function MonitorPage() {
  const { t } = useTranslation()
  return (
    <Page title={t('nav.monitor')}>
      <EmptyState title={t('state.empty')} />
    </Page>
  )
}
