import { ArrowDown, ArrowUp } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { reasonOf } from '@/api/reasons'
import { Badge } from '@/components/ui/Badge'
import { cn } from '@/components/ui/cn'
import { Reason } from '@/components/ui/Reason'
import { best, bestKey, columnsOf, delta, sorted, type Benchmark, type Column, type Order, type Row } from './rows'
import { cellName, change, written } from './value'

export interface ResultTableProps {
  rows: readonly Row[]
  baseline: Benchmark | undefined
}

/** Models, cells and their figures; sorted by any column, the best in bold, with what is different from the baseline. */
export function ResultTable({ rows, baseline }: ResultTableProps) {
  const { t } = useTranslation('bench')
  const [order, setOrder] = useState<Order>()
  const columns = columnsOf(rows)
  const winners = best(rows, columns)
  const cells = rows.some((row) => row.result !== undefined)
  const shown = order === undefined ? rows : sorted(rows, order)
  const sort = (by: Order['by'], better?: Column['better']) =>
    setOrder((before) =>
      before?.by === by ? { by, descending: !before.descending } : { by, descending: better === 'more' },
    )
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div
      role="region"
      aria-label={t('result.table')}
      tabIndex={0}
      className="relative overflow-x-auto rounded-lg border border-line"
    >
      <table className="w-full border-collapse text-left text-base">
        <caption className="sr-only">{t('result.table')}</caption>
        <thead>
          <tr className="border-b border-line bg-sunken text-xs text-ink-2">
            <Head name="model" order={order} onSort={() => sort('model')} />
            {cells && <Head name="cell" order={order} onSort={() => sort('cell')} />}
            {columns.map((column) => (
              <Head
                key={column.name}
                name={column.name}
                numeric
                order={order}
                onSort={() => sort(column.name, column.better)}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={row.key} className="border-b border-line last:border-0 hover:bg-hover/60">
              <th scope="row" className="px-3 py-2 font-medium whitespace-nowrap">
                <span className="flex items-center gap-2">
                  <span
                    aria-hidden="true"
                    className="size-2 rounded-full"
                    style={{ background: `var(--chart-${(row.place % 6) + 1})` }}
                  />
                  {row.model.model}
                  {row.model.quantisation !== '' && <Badge>{row.model.quantisation}</Badge>}
                </span>
                {row.model.failed && (
                  <span className="mt-0.5 block max-w-96 text-xs font-normal whitespace-normal text-bad">
                    {t('result.modelFailed')} <Reason goesOn>{row.model.failed}</Reason>
                  </span>
                )}
              </th>
              {cells && (
                <td className="tabular px-3 whitespace-nowrap">{row.result ? cellName(row.result.cell) : '—'}</td>
              )}
              {columns.map((column) => (
                <FigureCell
                  key={column.name}
                  row={row}
                  column={column}
                  isBest={winners.has(bestKey(row, column))}
                  away={column.unit === 'share' || column.name === 'kl' ? null : delta(row, rows, column, baseline)}
                />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

interface HeadProps {
  name: Order['by']
  order: Order | undefined
  onSort: () => void
  numeric?: boolean
}

function Head({ name, order, onSort, numeric = false }: HeadProps) {
  const { t } = useTranslation('bench')
  const isSorted = order?.by === name
  const Arrow = order?.descending === true ? ArrowDown : ArrowUp
  return (
    <th
      scope="col"
      aria-sort={isSorted ? (order.descending ? 'descending' : 'ascending') : undefined}
      className={cn('h-8 px-1 font-medium', numeric && 'text-right')}
    >
      <button
        type="button"
        onClick={onSort}
        className="inline-flex h-7 items-center gap-1 rounded-sm px-2 whitespace-nowrap -outline-offset-2 hover:text-ink"
        title={t('result.sortBy', { column: t(`result.columns.${name}`) })}
      >
        {t(`result.columns.${name}`)}
        {isSorted && <Arrow aria-hidden="true" className="size-3" />}
      </button>
    </th>
  )
}

interface FigureCellProps {
  row: Row
  column: Column
  isBest: boolean
  away: number | null
}

function FigureCell({ row, column, isBest, away }: FigureCellProps) {
  const { t } = useTranslation('bench')
  const value = column.value(row)
  const sd = column.sd?.(row) ?? null
  const good =
    away !== null && away !== 0 && column.better !== undefined ? away > 0 === (column.better === 'more') : undefined
  return (
    <td
      className="tabular px-3 py-1.5 text-right whitespace-nowrap"
      data-column={column.name}
      data-value={value ?? undefined}
    >
      {value === null ? (
        <span
          className="text-ink-3"
          title={column.name === 'vram' && row.model.peak.vram_reason ? reasonOf(row.model.peak.vram_reason) : undefined}
        >
          —
        </span>
      ) : (
        <>
          <span className={cn(isBest && 'font-bold')}>
            {written(value, column.unit)}
            {isBest && <span className="sr-only"> ({t('result.best')})</span>}
          </span>
          <span className="block text-xs text-ink-3">
            {sd !== null && sd > 0 && `± ${written(sd, column.unit)}`}
            {away !== null && (
              <span className={cn('ml-1.5', good === true && 'text-good', good === false && 'text-bad')}>
                {change(away)}
              </span>
            )}
          </span>
        </>
      )}
    </td>
  )
}
