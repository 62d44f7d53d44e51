/**
 * A conversation as a tree: every message hangs on the one it answers, and what is shown is one path from a root to a leaf.
 *
 * Nothing here changes a message. Damaged data (a parent that is missing, a ring) shows as less, never as an endless loop.
 */

export interface Node {
  readonly id: string
  readonly parent_id: string | null
  readonly created_at: number
}

export interface Tree<T extends Node> {
  readonly byId: ReadonlyMap<string, T>
  /** Children by parent, the oldest first; roots are under null. */
  readonly children: ReadonlyMap<string | null, readonly T[]>
}

export interface Place {
  readonly index: number
  readonly count: number
}

export function grow<T extends Node>(messages: readonly T[]): Tree<T> {
  const byId = new Map(messages.map((message) => [message.id, message]))
  const children = new Map<string | null, T[]>()
  for (const message of byId.values()) {
    const parent = message.parent_id !== null && byId.has(message.parent_id) ? message.parent_id : null
    const among = children.get(parent)
    if (among === undefined) children.set(parent, [message])
    else among.push(message)
  }
  for (const among of children.values()) among.sort(byAge)
  return { byId, children }
}

function byAge(a: Node, b: Node): number {
  return a.created_at - b.created_at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

/** The messages from a root to `leaf`; empty where there is no such message. */
export function pathTo<T extends Node>(tree: Tree<T>, leaf: string | null): T[] {
  const path: T[] = []
  const seen = new Set<string>()
  for (let id = leaf; id !== null && !seen.has(id);) {
    const message = tree.byId.get(id)
    if (message === undefined) break
    seen.add(id)
    path.push(message)
    id = message.parent_id
  }
  return path.reverse()
}

/** The end of the branch that goes through `id`, always by the newest child. */
export function leafBelow<T extends Node>(tree: Tree<T>, id: string): string {
  const seen = new Set<string>([id])
  for (let at = id; ;) {
    const next = tree.children.get(at)?.at(-1)
    if (next === undefined || seen.has(next.id)) return at
    seen.add(next.id)
    at = next.id
  }
}

/** The leaf of what was said last, or null in an empty conversation. */
export function newestLeaf<T extends Node>(tree: Tree<T>): string | null {
  const newest = [...tree.byId.values()].sort(byAge).at(-1)
  return newest === undefined ? null : leafBelow(tree, newest.id)
}

/** Those that answer the same message as `id`, itself among them. */
export function siblings<T extends Node>(tree: Tree<T>, id: string): readonly T[] {
  const message = tree.byId.get(id)
  if (message === undefined) return []
  const parent = message.parent_id !== null && tree.byId.has(message.parent_id) ? message.parent_id : null
  return tree.children.get(parent) ?? []
}

export function placeOf<T extends Node>(tree: Tree<T>, id: string): Place {
  const among = siblings(tree, id)
  return { index: among.findIndex((message) => message.id === id), count: among.length }
}

/** The leaf to show after a step to the next (+1) or previous (-1) version of `id`; null where there is none. */
export function stepAside<T extends Node>(tree: Tree<T>, id: string, by: 1 | -1): string | null {
  const among = siblings(tree, id)
  const next = among[among.findIndex((message) => message.id === id) + by]
  return next === undefined ? null : leafBelow(tree, next.id)
}

/** The leaf that `wanted` names, where it is one; a message inside the tree means the branch through it; else the newest. */
export function leafFor<T extends Node>(tree: Tree<T>, ...wanted: (string | null | undefined)[]): string | null {
  for (const id of wanted) if (id !== null && id !== undefined && tree.byId.has(id)) return leafBelow(tree, id)
  return newestLeaf(tree)
}
