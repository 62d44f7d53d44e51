import type { TFunction } from 'i18next'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, asApiError } from '@/api/client'
import { Button } from '@/components/ui/Button'
import { Card } from '@/components/ui/Card'
import { EmptyState } from '@/components/ui/EmptyState'
import { Progress } from '@/components/ui/Progress'
import { SkeletonList } from '@/components/ui/Skeleton'
import { Table, type Column } from '@/components/ui/Table'
import { toast } from '@/components/ui/Toast'
import { duration, number, percent, rate } from '@/i18n/format'
import { useStanding } from '@/realtime/hub'
import type { LiveRequest } from '@/realtime/topics'
import { NO_RATES, ratesAfter, readShare, type Rates } from './rates'

/** Rows that are drawn: of a long line the oldest are those that say something. */
const MOST = 100

export interface RequestsTableProps {
  /** Seconds since 1970, by the server's clock. */
  now: number
  mayRead: boolean
  mayCancel: boolean
}

/** What waits and runs now, with an end to each for those who may. */
export function RequestsTable({ mayRead, ...rest }: RequestsTableProps) {
  const { t } = useTranslation('monitor')
  if (mayRead) return <Requests {...rest} />
  return (
    <Card title={t('requests.title')}>
      <EmptyState title={t('requests.forbidden')}>{t('requests.forbiddenHelp')}</EmptyState>
    </Card>
  )
}

function Requests({ now, mayCancel }: Omit<RequestsTableProps, 'mayRead'>) {
  const { t } = useTranslation('monitor')
  const requests = useStanding('requests')
  const [rates, setRates] = useState(NO_RATES)
  useEffect(() => {
    setRates((before) => ratesAfter(before, requests ?? [], now))
  }, [requests, now])
  const columns = columnsOf(t, now, rates, mayCancel)
  const more = (requests?.length ?? 0) - MOST
  return (
    <Card title={t('requests.title')}>
      {requests === null ? (
        <SkeletonList rows={2} />
      ) : (
        <Table
          caption={t('requests.title')}
          columns={columns}
          rows={requests.slice(0, MOST)}
          rowKey={(request) => request.number}
          empty={<EmptyState title={t('requests.empty')}>{t('requests.emptyHelp')}</EmptyState>}
        />
      )}
      {more > 0 && <p className="mt-2 text-sm text-ink-2">{t('requests.more', { count: more, formatted: number(more) })}</p>}
    </Card>
  )
}

function columnsOf(t: TFunction<'monitor'>, now: number, rates: Rates, mayCancel: boolean): Column<LiveRequest>[] {
  const cancel: Column<LiveRequest> = {
    key: 'cancel',
    head: <span className="sr-only">{t('requests.action')}</span>,
    cell: (request) => <Cancel request={request} />,
    className: 'text-right',
  }
  return [
    {
      key: 'id',
      head: t('requests.id'),
      cell: ({ id, caller }) => (
        <span className="flex flex-col">
          <code className="max-w-40 truncate font-mono text-xs" title={id}>
            {id}
          </code>
          <span className="text-xs text-ink-3">{t('requests.caller', { caller })}</span>
        </span>
      ),
    },
    {
      key: 'model',
      head: t('requests.model'),
      cell: ({ model }) => <span className="whitespace-nowrap">{model}</span>,
    },
    { key: 'phase', head: t('requests.phase'), cell: (request) => <Phase request={request} /> },
    { key: 'read', head: t('requests.read'), cell: (request) => <Read request={request} /> },
    {
      key: 'speed',
      head: t('requests.speed'),
      numeric: true,
      cell: (request) => {
        const speed = rates.get(request.number)?.rate ?? null
        return speed === null || speed === 0 ? '—' : rate(speed)
      },
    },
    { key: 'tokens', head: t('requests.tokens'), numeric: true, cell: (request) => number(request.output_tokens) },
    {
      key: 'age',
      head: t('requests.age'),
      numeric: true,
      cell: ({ started }) => <span className="whitespace-nowrap">{duration(Math.max(0, now - started))}</span>,
    },
    ...(mayCancel ? [cancel] : []),
  ]
}

function Phase({ request }: { request: LiveRequest }) {
  const { t } = useTranslation('monitor')
  const { phase, position, wait } = request
  if (phase !== 'queued') return <span className="whitespace-nowrap">{t(`requests.phases.${phase}`)}</span>
  const place = number(position)
  const said =
    wait === null
      ? t('requests.phases.queued', { position: place })
      : t('requests.phases.queuedFor', { position: place, wait: duration(wait) })
  return <span className="whitespace-nowrap">{said}</span>
}

function Read({ request }: { request: LiveRequest }) {
  const { t } = useTranslation('monitor')
  const share = readShare(request)
  if (share === null) return <>—</>
  return (
    <Progress
      value={share * 100}
      label={t('requests.read')}
      hideLabel
      aside={<span className="tabular text-xs text-ink-2">{percent(share)}</span>}
      className="w-28"
    />
  )
}

function Cancel({ request: { id } }: { request: LiveRequest }) {
  const { t } = useTranslation('monitor')
  const [busy, setBusy] = useState(false)
  const cancel = async () => {
    setBusy(true)
    try {
      await api.POST('/api/v1/requests/{request_id}/cancel', { params: { path: { request_id: id } } })
      toast.success(t('requests.cancelled'))
    } catch (error) {
      if (asApiError(error).status === 404) toast.info(t('requests.gone'))
      else toast.failure(error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Button size="sm" busy={busy} aria-label={t('requests.cancelOne', { id })} onClick={() => void cancel()}>
      {t('requests.cancel')}
    </Button>
  )
}
