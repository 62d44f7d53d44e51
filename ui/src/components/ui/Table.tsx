import type { ReactNode } from 'react'
import { cn } from './cn'

export interface Column<T> {
  key: string
  head: ReactNode
  cell: (row: T) => ReactNode
  /** Numbers stand at the right. */
  numeric?: boolean
  className?: string
}

export interface TableProps<T> {
  /** What it is a table of, for those who do not see it. */
  caption: string
  columns: readonly Column<T>[]
  rows: readonly T[]
  rowKey: (row: T) => string | number
  /** Instead of rows, where there are none. */
  empty?: ReactNode
  className?: string
}

/** A table that scrolls sideways by itself where it is too wide. */
export function Table<T>({ caption, columns, rows, rowKey, empty, className }: TableProps<T>) {
  if (rows.length === 0 && empty !== undefined) return <>{empty}</>
  return (
    // A box that scrolls can be scrolled by keyboard.
    <div role="region" aria-label={caption} tabIndex={0} className={cn('relative overflow-x-auto rounded-lg border border-line bg-surface', className)}>
      <table className="w-full border-collapse text-left text-base">
        <caption className="sr-only">{caption}</caption>
        <thead>
          <tr className="border-b border-line bg-sunken text-xs text-ink-2">
            {columns.map((column) => (
              <th key={column.key} scope="col" className={cn('h-8 px-3 font-medium whitespace-nowrap', column.numeric === true && 'text-right', column.className)}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)} className="border-b border-line last:border-0 hover:bg-hover/60">
              {columns.map((column) => (
                <td key={column.key} className={cn('h-10 px-3 py-1.5', column.numeric === true && 'tabular text-right', column.className)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
