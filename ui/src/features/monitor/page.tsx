import { useNavigate, useSearch } from '@tanstack/react-router'
import { Pause, Play } from 'lucide-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { authStatus, may } from '@/api/auth'
import { Alert } from '@/components/ui/Alert'
import { Button } from '@/components/ui/Button'
import { Page } from '@/components/ui/Page'
import { Segmented } from '@/components/ui/Segmented'
import { Skeleton } from '@/components/ui/Skeleton'
import { Charts } from './Charts'
import { feed } from './feed'
import { Latency } from './Latency'
import { LoadedModels } from './LoadedModels'
import { LogPanel } from './LogPanel'
import { RequestsTable } from './RequestsTable'
import { Tiles } from './Tiles'
import { useStanding } from '@/realtime/hub'
import { usePaused, useReading } from './use-feed'
import './texts'

const RANGES = { '5m': 300, '15m': 900, '1h': 3600 } as const
const NAMES = { '5m': 'm5', '15m': 'm15', '1h': 'h1' } as const
type Range = keyof typeof RANGES

/** What the machine, the models and the requests do now. */
export function MonitorPage() {
  const { t } = useTranslation('monitor')
  const asked = useSearch({ from: '/inside/monitor' }).range ?? '5m'
  const range: Range = asked in RANGES ? (asked as Range) : '5m'
  const navigate = useNavigate({ from: '/monitor' })
  const reading = useReading()
  const paused = usePaused()
  // What can be acted on is of now, also while the figures are held.
  const now = useStanding('metrics')?.at ?? reading?.at ?? 0
  const { data: status } = useQuery(authStatus)
  const isAdmin = may(status, 'admin')
  return (
    <Page
      title={t('title')}
      className="max-w-screen-2xl"
      actions={
        <>
          <Button onClick={() => feed.setPaused(!paused)}>
            {paused ? <Play aria-hidden="true" /> : <Pause aria-hidden="true" />}
            {paused ? t('resume') : t('pause')}
          </Button>
          <Segmented<Range>
            label={t('range')}
            value={range}
            onValueChange={(next) => void navigate({ search: (before) => ({ ...before, range: next }), replace: true })}
            choices={(Object.keys(RANGES) as Range[]).map((value) => ({ value, label: t(`ranges.${NAMES[value]}`) }))}
          />
        </>
      }
    >
      {paused && <Alert tone="info">{t('paused')}</Alert>}
      {reading === null ? (
        <Waiting />
      ) : (
        <>
          <Tiles reading={reading} />
          <Charts reading={reading} range={RANGES[range]} rangeName={t(`ranges.${NAMES[range]}`)} />
          <RequestsTable now={now} mayRead={may(status, 'member')} mayCancel={isAdmin} />
          <div className="grid gap-4 2xl:grid-cols-[3fr_2fr] *:min-w-0">
            <LoadedModels now={now} mayUnload={isAdmin} />
            <Latency reading={reading} mayExport={may(status, 'member')} />
          </div>
        </>
      )}
      <LogPanel mayRead={isAdmin} />
    </Page>
  )
}

function Waiting() {
  const { t } = useTranslation('monitor')
  return (
    <div aria-busy="true" className="flex flex-col gap-3">
      <p className="text-sm text-ink-2">{t('waiting')}</p>
      <div className="grid grid-cols-2 gap-3 sm:grid-cols-4">
        {['a', 'b', 'c', 'd'].map((key) => (
          <Skeleton key={key} className="h-24" />
        ))}
      </div>
      <Skeleton className="h-44" />
    </div>
  )
}
