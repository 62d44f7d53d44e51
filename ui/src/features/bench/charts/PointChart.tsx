import { linear, ticks } from '../scale'
import { useWidth } from './use-width'

export interface Point {
  key: string
  label: string
  colour: number
  x: number
  y: number
  words: string
}

export interface PointChartProps {
  title: string
  points: readonly Point[]
  xName: string
  yName: string
  formatX: (value: number) => string
  formatY: (value: number) => string
  /** Joins points of the same label, in order of x; else each has its label beside it. */
  lines?: boolean
}

const HEIGHT = 260
const BOX = { left: 52, top: 14, bottom: HEIGHT - 44 }

/** Points by two figures, or lines through them. */
export function PointChart({ title, points, xName, yName, formatX, formatY, lines = false }: PointChartProps) {
  const [box, width] = useWidth(640)
  const end = width - 24
  const every = width < 460 ? 2 : 1
  const xMarks = ticks(Math.max(...points.map((point) => point.x)))
  const yMarks = ticks(Math.max(...points.map((point) => point.y)))
  const x = linear(xMarks.at(-1) ?? 1, BOX.left, end)
  const y = linear(yMarks.at(-1) ?? 1, BOX.bottom, BOX.top)
  const labels = [...new Map(points.map((point) => [point.label, point.colour]))]
  return (
    <figure ref={box} className="min-w-0">
      <figcaption className="mb-1 flex flex-wrap items-baseline gap-x-4 text-sm font-medium">
        {title}
        {lines &&
          labels.map(([label, colour]) => (
            <span key={label} className="flex items-center gap-1.5 text-xs font-normal text-ink-2">
              <span
                aria-hidden="true"
                className="h-0.75 w-3 rounded-full"
                style={{ background: `var(--chart-${(colour % 6) + 1})` }}
              />
              {label}
            </span>
          ))}
      </figcaption>
      <svg
        role="img"
        aria-label={`${title}. ${points.map((point) => point.words).join('; ')}`}
        viewBox={`0 0 ${width} ${HEIGHT}`}
        className="w-full"
        fontSize="11"
      >
        {yMarks.map((mark) => (
          <g key={mark}>
            <line x1={BOX.left} x2={end} y1={y(mark)} y2={y(mark)} stroke="var(--line)" />
            <text x={BOX.left - 6} y={y(mark) + 4} textAnchor="end" fill="var(--ink-3)">
              {formatY(mark)}
            </text>
          </g>
        ))}
        {xMarks.map((mark, place) => (
          <text key={mark} x={x(mark)} y={BOX.bottom + 16} textAnchor="middle" fill="var(--ink-3)">
            {place % every === 0 && formatX(mark)}
          </text>
        ))}
        <text x={(BOX.left + end) / 2} y={HEIGHT - 8} textAnchor="middle" fill="var(--ink-2)">
          {xName}
        </text>
        <text x={BOX.left} y={BOX.top - 2} fill="var(--ink-2)">
          {yName}
        </text>
        {lines &&
          labels.map(([label, colour]) => {
            const path = points.filter((point) => point.label === label).sort((a, b) => a.x - b.x)
            return (
              <polyline
                key={label}
                points={path.map((point) => `${x(point.x)},${y(point.y)}`).join(' ')}
                fill="none"
                stroke={`var(--chart-${(colour % 6) + 1})`}
                strokeWidth={2}
              />
            )
          })}
        {points.map((point) => {
          const right = x(point.x) > width * 0.7
          return (
            <g key={point.key}>
              <circle cx={x(point.x)} cy={y(point.y)} r={5} fill={`var(--chart-${(point.colour % 6) + 1})`}>
                <title>{point.words}</title>
              </circle>
              {!lines && (
                <text
                  x={x(point.x) + (right ? -9 : 9)}
                  y={y(point.y) + 4}
                  textAnchor={right ? 'end' : 'start'}
                  fill="var(--ink)"
                  fontSize="12"
                >
                  {point.label}
                </text>
              )}
            </g>
          )
        })}
      </svg>
    </figure>
  )
}
