import { useTranslation } from 'react-i18next'
import { Page } from '@/components/ui/Page'
import { EmptyState } from '@/components/ui/EmptyState'

export function GuidePage() {
  const { t } = useTranslation()
  return (
    <Page title={t('nav.guide')}>
      <EmptyState title={t('state.empty')} />
    </Page>
  )
}
