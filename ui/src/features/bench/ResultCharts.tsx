import { useTranslation } from 'react-i18next'
import { bytes, number, rate } from '@/i18n/format'
import { BarChart, type Bar } from './charts/BarChart'
import { PointChart, type Point } from './charts/PointChart'
import type { CellResult, Row, Spread } from './rows'
import { cellName } from './value'

type Measured = Row & { result: CellResult }

/** The same figures as in the table, drawn. */
export function ResultCharts({ rows }: { rows: readonly Row[] }) {
  const { t } = useTranslation('bench')
  const measured = rows.filter((row): row is Measured => row.result !== undefined)
  if (measured.length === 0) return null
  const several = new Set(measured.map(({ result }) => cellName(result.cell))).size > 1
  const named = ({ model, result }: Measured) => (several ? `${model.model}, ${cellName(result.cell)}` : model.model)
  const bars = (of: (result: CellResult) => Spread, format: (value: number) => string): Bar[] =>
    measured.map((row) => {
      const { median, min, max } = of(row.result)
      const words = t('charts.range', {
        label: named(row),
        value: format(median),
        least: format(min),
        most: format(max),
      })
      return { key: row.key, label: named(row), colour: row.place, value: median, least: min, most: max, words }
    })
  const point = (row: Measured, label: string, x: number, xText: string): Point => {
    const y = row.result.decode.median
    const words = t('charts.point', { label, x: xText, y: `${rate(y)} tok/s` })
    return { key: row.key, label, colour: row.place, x, y, words }
  }
  const firsts = measured.filter((row, place) => measured.findIndex((other) => other.place === row.place) === place)
  const bySize = firsts.map((row) => point(row, row.model.model, row.model.size, bytes(row.model.size)))
  const single = measured.filter(
    ({ result }) => (result.cell.streams ?? 1) === 1 && result.cell.gen === measured[0]?.result.cell.gen,
  )
  const byPrompt = single.map((row) =>
    point(row, row.model.model, row.result.cell.prompt, number(row.result.cell.prompt)),
  )
  return (
    <div className="grid gap-x-8 gap-y-6 lg:grid-cols-2">
      <BarChart title={t('charts.decode')} bars={bars((result) => result.decode, rate)} format={rate} />
      <BarChart title={t('charts.ttft')} bars={bars((result) => result.ttft, seconds)} format={seconds} />
      {bySize.length > 1 && (
        <PointChart
          title={t('charts.scatter')}
          points={bySize}
          xName={t('charts.scatterX')}
          yName={t('charts.scatterY')}
          formatX={(value) => bytes(value)}
          formatY={rate}
        />
      )}
      {new Set(byPrompt.map(({ x }) => x)).size > 1 && (
        <PointChart
          title={t('charts.lines')}
          points={byPrompt}
          xName={t('charts.linesX')}
          yName={t('charts.scatterY')}
          formatX={(value) => number(value)}
          formatY={rate}
          lines
        />
      )}
    </div>
  )
}

function seconds(value: number): string {
  return number(value, value < 1 ? 3 : 2)
}
