import { useState } from 'react'
import { useIdleSteps } from '@/hooks/idle'
import { MessageRow } from './MessageRow'
import type { Row } from './rows'

/** So many of the last messages are drawn at once; the others one by one when there is time, from the end on. */
const AT_ONCE = 12

export interface RowsProps {
  rows: readonly Row[]
  edited: string | null
  onEdited: (id: string | null) => void
  onStep: (id: string, by: 1 | -1) => void
}

/** All messages; what is out of sight costs no layout, and is drawn when the page has time. */
export function FewRows({ rows, edited, onEdited, onStep }: RowsProps) {
  const [late] = useState(() => Math.max(0, rows.length - AT_ONCE))
  const first = late - useIdleSteps(0, late)
  return rows.map((row, index) =>
    index < first ? (
      <div key={row.message.id} aria-hidden="true" className="h-40" />
    ) : (
      <div key={row.message.id} className={row.isLast ? undefined : 'message-row'}>
        <MessageRow row={row} isEdited={edited === row.message.id} onEdited={onEdited} onStep={onStep} />
      </div>
    ),
  )
}
