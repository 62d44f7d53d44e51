/** What of a branch is shown, message by message. */
import { type Place, placeOf, type Tree } from './tree'
import type { Message } from './types'

export interface Row {
  readonly message: Message
  readonly place: Place
  /** What tools have said to the calls of this message, by the calls' ids. */
  readonly results: ReadonlyMap<string, string>
  readonly isLast: boolean
}

/** The rows of a branch: those in `kept`, the ones of last time, where they are the same; `kept` has the new ones after. */
export function rowsOf(tree: Tree<Message>, path: readonly Message[], kept: Map<string, Row>): readonly Row[] {
  const results = new Map<string, string>()
  for (const message of path) for (const part of message.parts) if (part.type === 'tool_result') results.set(part.tool_call_id, part.text)
  const shown = path.filter((message) => message.role !== 'tool' && message.role !== 'system')
  const rows = shown.map((message, index) => {
    const own = new Map(message.parts.flatMap((part) => (part.type === 'tool_call' && results.has(part.id) ? [[part.id, results.get(part.id) ?? ''] as const] : [])))
    const row: Row = { message, place: placeOf(tree, message.id), isLast: index === shown.length - 1, results: own }
    const old = kept.get(message.id)
    return old !== undefined && isSame(old, row) ? old : row
  })
  kept.clear()
  for (const row of rows) kept.set(row.message.id, row)
  return rows
}

function isSame(a: Row, b: Row): boolean {
  const isPlaceSame = a.isLast === b.isLast && a.place.index === b.place.index && a.place.count === b.place.count
  return a.message === b.message && isPlaceSame && a.results.size === b.results.size && [...a.results].every(([id, said]) => b.results.get(id) === said)
}
