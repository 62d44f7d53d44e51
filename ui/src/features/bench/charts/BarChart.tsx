import { ticks } from '../scale'
import { useWidth } from './use-width'

export interface Bar {
  key: string
  label: string
  /** Which of the chart colours. */
  colour: number
  value: number
  least: number
  most: number
  /** All of it in words. */
  words: string
}

const ROW = 30
const LABELS = 190
const VALUES = 70

/** Bars with their least and most. */
export function BarChart({
  title,
  bars,
  format,
}: {
  title: string
  bars: readonly Bar[]
  format: (value: number) => string
}) {
  const [box, width] = useWidth(640)
  const labels = Math.min(LABELS, width * 0.38)
  const every = width < 460 ? 2 : 1
  const room = Math.floor(labels / 7)
  const marks = ticks(Math.max(...bars.map((bar) => bar.most)))
  const end = marks.at(-1) ?? 1
  const x = (value: number) => labels + (value / end) * (width - labels - VALUES)
  const height = bars.length * ROW + 24
  return (
    <figure ref={box} className="min-w-0">
      <figcaption className="mb-1 text-sm font-medium">{title}</figcaption>
      <svg
        role="img"
        aria-label={`${title}. ${bars.map((bar) => bar.words).join('; ')}`}
        viewBox={`0 0 ${width} ${height}`}
        className="w-full"
        fontSize="13"
      >
        {marks.map((mark, place) => (
          <g key={mark}>
            <line x1={x(mark)} x2={x(mark)} y1={0} y2={height - 22} stroke="var(--line)" />
            <text x={x(mark)} y={height - 6} textAnchor="middle" fill="var(--ink-3)" fontSize="11">
              {place % every === 0 && format(mark)}
            </text>
          </g>
        ))}
        {bars.map((bar, row) => {
          const y = row * ROW + 5
          const middle = y + 10
          return (
            <g key={bar.key}>
              <text x={labels - 8} y={middle + 4} textAnchor="end" fill="var(--ink-2)">
                {bar.label.length > room ? `${bar.label.slice(0, room - 1)}…` : bar.label}
                <title>{bar.label}</title>
              </text>
              <rect
                x={labels}
                y={y}
                width={Math.max(1, x(bar.value) - labels)}
                height={20}
                rx={3}
                fill={`var(--chart-${(bar.colour % 6) + 1})`}
              />
              <path
                d={`M${x(bar.least)} ${middle}H${x(bar.most)}M${x(bar.least)} ${middle - 4}v8M${x(bar.most)} ${middle - 4}v8`}
                stroke="var(--ink)"
                fill="none"
              />
              <text x={x(bar.most) + 6} y={middle + 4} fill="var(--ink)" className="tabular">
                {format(bar.value)}
              </text>
            </g>
          )
        })}
      </svg>
    </figure>
  )
}
