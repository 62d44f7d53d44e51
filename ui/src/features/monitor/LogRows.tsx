import { useVirtualizer } from '@tanstack/react-virtual'
import { memo, useLayoutEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { cn } from '@/components/ui/cn'
import { pieces, type Piece } from './ansi'
import type { Line } from './log-filter'
import { logs } from './logs'

const ROW = 20
const OVERSCAN = 12

export interface LogRowsProps {
  wrap: boolean
  following: boolean
  onFollow: (following: boolean) => void
}

/** The lines in sight and a few more. Rows are of one height, unless long lines are wrapped. */
export function LogRows({ wrap, following, onFollow }: LogRowsProps) {
  const { t } = useTranslation('monitor')
  const box = useRef<HTMLDivElement>(null)
  const seen = useRef({ top: 0, gone: logs.gone })
  const count = logs.length
  // What it returns is used here alone, and read anew at every render.
  // oxlint-disable-next-line react/incompatible-library
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: OVERSCAN,
    getItemKey: (place) => logs.at(place)?.number ?? place,
  })
  const version = logs.changes()
  const height = virtual.getTotalSize()
  useLayoutEffect(() => {
    const element = box.current
    if (element === null) return
    const gone = logs.gone - seen.current.gone
    seen.current.gone = logs.gone
    if (following) element.scrollTop = element.scrollHeight
    else if (gone > 0 && !wrap) element.scrollTop = Math.max(0, element.scrollTop - gone * ROW)
    seen.current.top = element.scrollTop
  }, [version, following, wrap, height])
  const onScroll = () => {
    const element = box.current
    if (element === null) return
    const up = element.scrollTop < seen.current.top - 1
    seen.current.top = element.scrollTop
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < ROW
    if (following && up && !atEnd) onFollow(false)
    else if (!following && !up && atEnd) onFollow(true)
  }
  return (
    // A box that scrolls can be scrolled by keyboard. What comes is not read aloud: it may be thousands a second.
    <div
      ref={box}
      role="region"
      aria-label={t('logs.title')}
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      onScroll={onScroll}
      data-testid="log-rows"
      className="h-96 overflow-auto font-mono text-xs -outline-offset-2"
      style={{ overflowAnchor: 'none' }}
    >
      <div className={cn('relative', !wrap && 'w-max min-w-full')} style={{ height }}>
        {virtual.getVirtualItems().map((item) => {
          const line = logs.at(item.index)
          if (line === undefined) return null
          return (
            <div
              key={item.key}
              ref={wrap ? virtual.measureElement : undefined}
              data-index={item.index}
              className={cn('left-0', wrap ? 'absolute inset-x-0' : 'absolute min-w-full')}
              style={{ top: item.start }}
            >
              <Row line={line} wrap={wrap} />
            </div>
          )
        })}
      </div>
    </div>
  )
}

const LEVEL_CLASS = { debug: 'text-ink-3', info: 'text-ink-2', warning: 'text-warn', error: 'text-bad' }

const Row = memo(function Row({ line, wrap }: { line: Line; wrap: boolean }) {
  return (
    <div
      className={cn(
        'flex gap-3 px-3 leading-5 hover:bg-hover',
        wrap ? 'py-0' : 'h-5 whitespace-pre',
        line.level === 'error' && 'bg-bad-soft/60',
        line.level === 'warning' && 'bg-warn-soft/50',
      )}
    >
      <time className="tabular shrink-0 text-ink-3" dateTime={line.stamp}>
        {line.at}
      </time>
      <span className={cn('w-14 shrink-0', LEVEL_CLASS[line.level])}>{line.level}</span>
      <span className="hidden w-28 shrink-0 truncate text-ink-3 sm:block">{line.model ?? line.source}</span>
      <span className={cn('min-w-0', wrap ? 'flex-1 break-all whitespace-pre-wrap' : 'flex-none')}>
        {pieces(wrap ? line.text : line.text.replaceAll('\n', ' ⏎ ')).map((piece, place) => (
          // Pieces of a line never change their order.
          // oxlint-disable-next-line react/no-array-index-key
          <span key={place} className={styleOf(piece)}>
            {piece.text}
          </span>
        ))}
      </span>
    </div>
  )
})

const COLOURS = ['', 'text-bad', 'text-good', 'text-warn', 'text-gguf', 'text-chart-4', 'text-accent-ink', 'text-ink-2']

function styleOf({ colour, bold, dim }: Piece): string | undefined {
  if (colour === undefined && bold !== true && dim !== true) return undefined
  return cn(colour !== undefined && COLOURS[colour % 8], bold === true && 'font-bold', dim === true && 'text-ink-3')
}
