import { useTranslation } from 'react-i18next'
import { Page } from '@/components/ui/Page'
import { EmptyState } from '@/components/ui/EmptyState'

export function ChatPage() {
  const { t } = useTranslation()
  return (
    <Page title={t('nav.chat')}>
      <EmptyState title={t('state.empty')} />
    </Page>
  )
}
