import { useCallback, useMemo, useState } from 'react'
import { ArrowDown } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { cn } from '@/components/ui/cn'
import { useStickScroll } from '@/hooks/stick-scroll'
import { FewRows } from './FewRows'
import { ManyRows } from './ManyRows'
import type { Row } from './MessageRow'
import { placeOf, type Tree } from './tree'
import type { Message } from './types'

/**
 * A conversation opened with more messages than this has only those in sight in the page. One that grows while it is read
 * changes over at twice as many, since all that is in sight is drawn anew for it.
 */
const MANY = 200

/** The branch that is shown, following its end while the reader is there. */
export function MessageList({ tree, path, edited, onEdited, onStep }: {
  tree: Tree<Message>
  path: readonly Message[]
  edited: string | null
  onEdited: (id: string | null) => void
  onStep: (id: string, by: 1 | -1) => void
}) {
  const { t } = useTranslation('chat')
  const { ref, stuck, hasNew, stick } = useStickScroll()
  // Told by state, since the rows are there before the box around them is known.
  const [box, setBox] = useState<HTMLDivElement | null>(null)
  // The same function each time: another one would begin to follow anew.
  const both = useCallback(
    (element: HTMLDivElement | null) => {
      setBox(element)
      return ref(element)
    },
    [ref],
  )
  const rows = useRows(tree, path)
  const [opened] = useState(rows.length)
  const isMany = rows.length > (opened > MANY ? MANY : 2 * MANY)
  const props = { rows, edited, onEdited, onStep }
  return (
    <div className="relative min-h-0 flex-1">
      <div
        ref={both}
        id="messages"
        role="log"
        aria-live="off"
        aria-label={t('list.label')}
        tabIndex={0}
        data-stuck={stuck}
        className="h-full overflow-y-auto overscroll-contain focus-visible:-outline-offset-2"
      >
        <div>{isMany ? <ManyRows {...props} box={box} /> : <FewRows {...props} />}</div>
      </div>
      <button
        type="button"
        onClick={stick}
        hidden={stuck}
        data-testid="to-end"
        className={cn(
          'absolute bottom-3 left-1/2 flex -translate-x-1/2 items-center gap-1.5 rounded-full border border-line bg-raised px-3 py-1.5 text-sm shadow-md hover:bg-hover',
          stuck && 'hidden',
          hasNew && 'border-accent-ink text-accent-ink',
        )}
      >
        <ArrowDown aria-hidden size={14} />
        {hasNew ? t('list.new') : t('list.end')}
      </button>
    </div>
  )
}

/** The same objects as long as a message, its place and its results are the same. */
function useRows(tree: Tree<Message>, path: readonly Message[]): readonly Row[] {
  const [kept] = useState(() => new Map<string, Row>())
  return useMemo(() => {
    const results = new Map<string, string>()
    for (const message of path) for (const part of message.parts) if (part.type === 'tool_result') results.set(part.tool_call_id, part.text)
    const shown = path.filter((message) => message.role !== 'tool' && message.role !== 'system')
    return shown.map((message, index) => {
      const own = new Map(message.parts.flatMap((part) => (part.type === 'tool_call' && results.has(part.id) ? [[part.id, results.get(part.id) ?? ''] as const] : [])))
      const row: Row = { message, place: placeOf(tree, message.id), isLast: index === shown.length - 1, results: own }
      const old = kept.get(message.id)
      if (old !== undefined && isSame(old, row)) return old
      kept.set(message.id, row)
      return row
    })
  }, [tree, path, kept])
}

function isSame(a: Row, b: Row): boolean {
  return a.message === b.message && a.isLast === b.isLast && a.place.index === b.place.index && a.place.count === b.place.count && a.results.size === b.results.size
}
