import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import 'uplot/dist/uPlot.min.css'
import { feed } from './feed'
import type { ChartLine, ChartSpec } from './figures'
import { LiveChart } from './live-chart'
import { extent, written } from './value'

export interface ChartProps {
  spec: ChartSpec
  /** Seconds shown, and how that is called. */
  range: number
  rangeName: string
}

/** Seconds between two changes of what the chart is called: nobody wants to hear it more often. */
const SAY_EVERY = 5

/** A chart with its title and the figures of its lines, which follow the pointer over any chart of the page. */
export function Chart({ spec, range, rangeName }: ChartProps) {
  const { t } = useTranslation('monitor')
  const host = useRef<HTMLDivElement>(null)
  const legend = useRef<HTMLDListElement>(null)
  const shown = useRef(range)
  const title = t(`charts.${spec.key}`)

  useEffect(() => {
    shown.current = range
  }, [range])

  useEffect(() => {
    const box = host.current
    if (box === null) return undefined
    const names = spec.lines.map((line) => line.name)
    const say = (values: readonly (number | null)[] | null) => {
      const cells = legend.current?.querySelectorAll('dd') ?? []
      const now = values ?? feed.window(0, names).columns.map((column) => column.at(-1) ?? null)
      spec.lines.forEach((line, place) => {
        const value = now[place] ?? null
        const cell = cells[place]
        if (cell) cell.textContent = value === null ? '—' : written(value, line.unit)
      })
    }
    const chart = new LiveChart(box, {
      spec,
      range: () => shown.current,
      table: () => feed.window(shown.current, names),
      onPoint: say,
    })
    let said = 0
    const update = () => {
      chart.draw()
      const { columns, end } = feed.window(shown.current, names)
      if (Math.abs(end - said) < SAY_EVERY) return
      said = end
      const lines = spec.lines.map((line, place) => {
        const found = extent(columns[place] ?? [])
        const label = labelOf(line)
        if (found === null || found.now === null) return t('charts.unknownLine', { label })
        const [now, least, most] = [found.now, found.least, found.most].map((value) => written(value, line.unit))
        return t('charts.line', { label, now, least, most })
      })
      box.setAttribute('aria-label', t('charts.summary', { title, range: rangeName, lines: lines.join(' ') }))
    }
    const labelOf = (line: ChartLine) => lineLabel(line, t)
    const leave = feed.subscribe(update)
    update()
    say(null)
    return () => {
      leave()
      chart.destroy()
    }
  }, [spec, rangeName, title, t])

  return (
    <figure className="min-w-0 rounded-xl border border-line bg-surface shadow-sm">
      <figcaption className="flex flex-wrap items-baseline gap-x-4 gap-y-1 px-4 pt-3">
        <h2 className="flex-1 text-base font-semibold">{title}</h2>
        <dl ref={legend} className="tabular flex flex-wrap gap-x-4 gap-y-1 text-xs text-ink-2">
          {spec.lines.map((line, place) => (
            <div key={line.name} className="flex items-center gap-1.5">
              <span
                aria-hidden="true"
                className="h-0.75 w-3 rounded-full"
                style={{ background: `var(--chart-${(place % 6) + 1})` }}
              />
              <dt>{lineLabel(line, t)}</dt>
              <dd className="min-w-10 text-right font-medium text-ink" />
            </div>
          ))}
        </dl>
      </figcaption>
      <div ref={host} role="img" aria-label={title} className="h-44 overflow-hidden px-1" />
    </figure>
  )
}

type Translate = ReturnType<typeof useTranslation<'monitor'>>['t']

function lineLabel({ label, gpu }: ChartLine, t: Translate): string {
  if (gpu === undefined) return t(`charts.${label}` as 'charts.cpu')
  const what = label === 'temperature' || label === 'power' ? `${t(`charts.${label}`)} · ` : ''
  return `${what}${gpu}`
}
