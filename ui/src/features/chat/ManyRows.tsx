import { useVirtualizer } from '@tanstack/react-virtual'
import type { RowsProps } from './FewRows'
import { MessageRow } from './MessageRow'

/** Only the messages in sight, for conversations so long that all of them would slow the page down. */
export function ManyRows({ rows, edited, onEdited, onStep, box }: RowsProps & { box: HTMLDivElement | null }) {
  // Nothing here is memoised that the list's functions would make old.
  // oxlint-disable-next-line react/incompatible-library
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box,
    estimateSize: () => 180,
    overscan: 6,
    getItemKey: (index) => rows[index]?.message.id ?? index,
    initialOffset: rows.length * 180,
    useFlushSync: false,
  })
  return (
    <div className="relative" style={{ height: list.getTotalSize() }}>
      {list.getVirtualItems().map((item) => {
        const row = rows[item.index]
        if (row === undefined) return null
        return (
          <div
            key={item.key}
            ref={list.measureElement}
            data-index={item.index}
            className="absolute top-0 left-0 w-full"
            style={{ transform: `translateY(${item.start}px)` }}
          >
            <MessageRow row={row} isEdited={edited === row.message.id} onEdited={onEdited} onStep={onStep} />
          </div>
        )
      })}
    </div>
  )
}
