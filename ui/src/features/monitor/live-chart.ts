// One chart, drawn beside React: it is given figures once a second, its colours by the theme, its size by its box.
import uPlot from 'uplot'
import { language } from '@/i18n/texts'
import { downsample } from './downsample'
import type { ChartSpec, Unit } from './figures'
import type { Table } from './series'
import { written } from './value'

export interface ChartSource {
  readonly spec: ChartSpec
  /** Seconds shown. */
  range: () => number
  table: () => Table & { readonly end: number }
  /** What is under the pointer, of each line; null: nothing is pointed at. */
  onPoint: (values: readonly (number | null)[] | null) => void
}

const HEIGHT = 176
/** Points for each pixel of width: more than one would not be seen. */
const POINTS = 1
/** All charts of the page show the same moment. */
const SYNC = 'monitor'

export class LiveChart {
  readonly #host: HTMLElement
  readonly #source: ChartSource
  readonly #plot: uPlot
  readonly #size: ResizeObserver
  readonly #theme: MutationObserver
  #end = 0
  #frame = 0

  constructor(host: HTMLElement, source: ChartSource) {
    this.#host = host
    this.#source = source
    this.#plot = new uPlot(this.#options(), this.#data(), host)
    this.#size = new ResizeObserver(() => this.draw())
    this.#size.observe(host)
    this.#theme = new MutationObserver(() => this.draw())
    this.#theme.observe(document.documentElement, { attributeFilter: ['data-theme', 'lang'] })
  }

  /** Draws what there is now, with the next frame; many calls before it are one. */
  draw(): void {
    cancelAnimationFrame(this.#frame)
    this.#frame = requestAnimationFrame(() => {
      const width = this.#host.clientWidth
      if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT })
      this.#plot.setData(this.#data())
      this.#point()
    })
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame)
    this.#size.disconnect()
    this.#theme.disconnect()
    this.#plot.destroy()
  }

  #data(): uPlot.AlignedData {
    const table = this.#source.table()
    this.#end = table.end
    const { times, columns } = downsample(table, Math.max(200, this.#host.clientWidth * POINTS))
    return [times, ...columns]
  }

  #point(): void {
    const { idx } = this.#plot.cursor
    const values = this.#plot.data.slice(1) as (number | null)[][]
    this.#source.onPoint(typeof idx === 'number' ? values.map((column) => column[idx] ?? null) : null)
  }

  #options(): uPlot.Options {
    const { spec, range } = this.#source
    const right = spec.lines.find((line) => line.right === true)
    const left = spec.lines.find((line) => line.right !== true)
    return {
      width: Math.max(this.#host.clientWidth, 200),
      height: HEIGHT,
      legend: { show: false },
      cursor: { sync: { key: SYNC }, drag: { x: false, y: false, setScale: false }, y: false, points: { size: 6 } },
      scales: {
        x: { time: true, range: () => [this.#end - range(), this.#end] },
        left: { range: (_plot, _least, most) => [0, spec.most ?? above(most, left?.unit)] },
        right: { range: (_plot, _least, most) => [0, above(most, right?.unit)] },
      },
      axes: [
        { ...AXIS, size: 28, space: 70, values: (_plot, moments) => moments.map(clock) },
        { ...AXIS, scale: 'left', size: 58, values: named(left?.unit ?? 'count') },
        ...(right
          ? [{ ...AXIS, scale: 'right', side: 1 as const, size: 58, grid: { show: false }, values: named(right.unit) }]
          : []),
      ],
      series: [
        {},
        ...spec.lines.map((line, place) => ({
          scale: line.right === true ? 'right' : 'left',
          stroke: () => colour(`--chart-${(place % 6) + 1}`),
          width: 1.75,
          spanGaps: false,
          points: { show: false },
          ...(line.right === true && { dash: [4, 3] }),
        })),
      ],
      hooks: { setCursor: [() => this.#point()] },
      // Half of the longest time of day, which may stand under the right end.
      padding: [8, right ? 0 : 26, 0, 0],
    }
  }
}

const AXIS: uPlot.Axis = {
  stroke: () => colour('--ink-3'),
  font: '11px sans-serif',
  grid: { stroke: () => colour('--line'), width: 1 },
  ticks: { show: false },
  gap: 6,
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name)
}

/** The end of an axis above `most`; small counts get one that says something. */
function above(most: number | null, unit: Unit | undefined): number {
  const least = unit === 'count' ? 4 : unit === 'rate' ? 10 : 1
  return Math.max((most ?? 0) * 1.1, least)
}

function named(unit: Unit): uPlot.Axis.DynamicValues {
  return (_plot, values) =>
    values.map((value) => (unit === 'count' && !Number.isInteger(value) ? '' : written(value, unit)))
}

function clock(moment: number): string {
  const format = new Intl.DateTimeFormat(language(), { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  const exact = new Intl.DateTimeFormat(language(), {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  })
  return (moment % 60 === 0 ? format : exact).format(moment * 1000)
}
