import type { Table } from './series'

/**
 * At most `points` rows that look the same: of each stretch the least and the most of every column, in their order.
 *
 * Peaks stay as high as they were, and a stretch in which something was unknown has a gap.
 */
export function downsample(table: Table, points: number): Table {
  const rows = table.times.length
  if (rows <= points || points < 2) return table
  const stretches = Math.floor(points / 2)
  const times: number[] = []
  const columns: (number | null)[][] = table.columns.map(() => [])
  for (let stretch = 0; stretch < stretches; stretch += 1) {
    const from = Math.floor((stretch * rows) / stretches)
    const to = Math.floor(((stretch + 1) * rows) / stretches)
    times.push(table.times[from] as number, table.times[to - 1] as number)
    table.columns.forEach((column, place) => columns[place]?.push(...ends(column, from, to)))
  }
  return { times, columns }
}

function ends(column: readonly (number | null)[], from: number, to: number): [number | null, number | null] {
  let low = -1
  let high = -1
  let gap = false
  for (let row = from; row < to; row += 1) {
    const value = column[row] ?? null
    if (value === null) {
      gap = true
      continue
    }
    if (low < 0 || value < (column[low] as number)) low = row
    if (high < 0 || value > (column[high] as number)) high = row
  }
  if (low < 0) return [null, null]
  if (gap) return [column[high] as number, null]
  const [one, other] = low <= high ? [low, high] : [high, low]
  return [column[one] as number, column[other] as number]
}
