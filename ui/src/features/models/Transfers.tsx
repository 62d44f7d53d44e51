import { useQuery } from '@tanstack/react-query'
import { DownloadCloud } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/Button'
import { EmptyState } from '@/components/ui/EmptyState'
import { ErrorState } from '@/components/ui/ErrorState'
import { SkeletonList } from '@/components/ui/Skeleton'
import { useStanding } from '@/realtime/hub'
import { downloadsQuery } from './queries'
import { Transfer } from './Transfer'

/** The downloads: those under way, as they move, and those that have ended. The server owns them; this only looks. */
export function Transfers({ onAdd }: { onAdd: () => void }) {
  const { t } = useTranslation('models')
  const live = useStanding('downloads')
  const { data, isPending, isError, error, refetch } = useQuery(downloadsQuery)
  const shown = live ?? data?.data
  if (shown === undefined && isPending) return <SkeletonList rows={3} rowClassName="h-20" />
  if (shown === undefined && isError) return <ErrorState error={error} onRetry={() => void refetch()} />
  return (
    <div className="flex flex-col gap-3">
      {shown === undefined || shown.length === 0 ? (
        <EmptyState icon={<DownloadCloud />} title={t('transfers.empty')} actions={<Button variant="primary" onClick={onAdd}>{t('addDialog.hub')}</Button>}>
          {t('transfers.emptyBody')}
        </EmptyState>
      ) : (
        <ul className="divide-y divide-line rounded-xl border border-line bg-surface shadow-sm">
          {shown.map((download) => (
            <Transfer key={download.id} download={download} />
          ))}
        </ul>
      )}
      {data !== undefined && (
        <p className="text-sm break-all text-ink-3">
          {t('transfers.hub', { endpoint: data.endpoint })}, {t(data.token ? 'transfers.token' : 'transfers.noToken')}
        </p>
      )}
    </div>
  )
}
