import type { TFunction } from 'i18next'
import { Download } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { buttonClass } from '@/components/ui/Button'
import { Card } from '@/components/ui/Card'
import { EmptyState } from '@/components/ui/EmptyState'
import { Table, type Column } from '@/components/ui/Table'
import { duration, number } from '@/i18n/format'
import type { Reading } from '@/realtime/topics'

const FIGURES = ['duration', 'first_token', 'inter_token', 'queue'] as const
type Row = { figure: (typeof FIGURES)[number]; times: NonNullable<Reading['seconds']['duration']> }

/** Percentiles of all requests since the server started. */
export function Latency({ reading: { seconds, requests }, mayExport }: { reading: Reading; mayExport: boolean }) {
  const { t } = useTranslation('monitor')
  const rows = FIGURES.flatMap((figure): Row[] => {
    const times = seconds[figure]
    return times === null ? [] : [{ figure, times }]
  })
  const columns = columnsOf(t)
  return (
    <Card
      title={t('latency.title')}
      description={t('latency.description')}
      actions={
        mayExport && (
          <a href="/api/v1/journal.csv" download className={buttonClass({ size: 'sm' })}>
            <Download aria-hidden="true" />
            {t('latency.export')}
          </a>
        )
      }
    >
      <Table
        caption={t('latency.title')}
        columns={columns}
        rows={rows}
        rowKey={({ figure }) => figure}
        empty={<EmptyState title={t('latency.empty')} />}
      />
      {rows.length > 0 && (
        <p className="tabular mt-2 text-xs text-ink-3">
          {t('latency.total', {
            count: requests.total,
            formatted: number(requests.total),
            failed: number(requests.failed),
          })}
        </p>
      )}
    </Card>
  )
}

function columnsOf(t: TFunction<'monitor'>): Column<Row>[] {
  return [
    { key: 'figure', head: t('latency.figure'), cell: ({ figure }) => t(`latency.${figure}`) },
    ...(['p50', 'p95', 'p99'] as const).map((name) => ({
      key: name,
      head: name,
      numeric: true,
      cell: ({ times }: Row) => brief(times[name]),
    })),
  ]
}

/** Milliseconds below a second. */
function brief(seconds: number): string {
  if (seconds >= 1) return duration(seconds)
  const thousandths = seconds * 1000
  return `${number(thousandths, thousandths < 10 ? 1 : 0)} ms`
}
