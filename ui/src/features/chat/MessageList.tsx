import { useCallback, useMemo, useState } from 'react'
import { ArrowDown } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { cn } from '@/components/ui/cn'
import { useStickScroll } from '@/hooks/stick-scroll'
import { useConversation } from './conversation'
import { FewRows } from './FewRows'
import { ManyRows } from './ManyRows'
import { type Row, rowsOf } from './rows'
import type { Tree } from './tree'
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
  const { isBusy } = useConversation()
  const { ref, stuck, hasNew, stick } = useStickScroll(isBusy)
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

/** The same objects as long as what they show is the same. */
function useRows(tree: Tree<Message>, path: readonly Message[]): readonly Row[] {
  const [kept] = useState(() => new Map<string, Row>())
  return useMemo(() => rowsOf(tree, path, kept), [tree, path, kept])
}
