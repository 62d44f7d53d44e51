import { describe, expect, it } from 'vitest'
import { grow, leafBelow, leafFor, type Node, newestLeaf, pathTo, placeOf, siblings, stepAside } from './tree'

function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296
    return state / 4294967296
  }
}

/** A tree of up to 40 messages, grown one by one under any message there is. */
function forest(seed: number): Node[] {
  const next = random(seed)
  const nodes: Node[] = []
  for (let count = Math.floor(next() * 40); count >= 0; count--) {
    const parent = next() < 0.15 ? undefined : nodes[Math.floor(next() * nodes.length)]
    nodes.push({ id: `m${nodes.length}`, parent_id: parent?.id ?? null, created_at: Math.floor(nodes.length / 2) })
  }
  return nodes
}

const SEEDS = Array.from({ length: 200 }, (_, seed) => seed + 1)

describe('any tree', () => {
  it('shows every message on some path, each path from a root by parents', () => {
    for (const seed of SEEDS) {
      const tree = grow(forest(seed))
      const shown = new Set<string>()
      for (const id of tree.byId.keys()) {
        const path = pathTo(tree, leafBelow(tree, id))
        expect(path.map((message) => message.id)).toContain(id)
        expect(path[0]?.parent_id).toBeNull()
        path.slice(1).forEach((message, index) => expect(message.parent_id).toBe(path[index]?.id))
        for (const message of path) shown.add(message.id)
      }
      expect(shown.size).toBe(tree.byId.size)
    }
  })

  it('steps to each version and back, and no further than the ends', () => {
    for (const seed of SEEDS) {
      const tree = grow(forest(seed))
      for (const id of tree.byId.keys()) {
        const { index, count } = placeOf(tree, id)
        expect(siblings(tree, id)[index]?.id).toBe(id)
        const after = stepAside(tree, id, 1)
        expect(after === null).toBe(index === count - 1)
        expect(stepAside(tree, id, -1) === null).toBe(index === 0)
        if (after !== null) {
          const shown = pathTo(tree, after).map((message) => message.id)
          const version = siblings(tree, id)[index + 1]?.id ?? ''
          expect(shown).toContain(version)
          expect(shown).not.toContain(id)
          expect(pathTo(tree, stepAside(tree, version, -1)).map((message) => message.id)).toContain(id)
        }
      }
    }
  })

  it('keeps every message and branch when another version is added anywhere', () => {
    for (const seed of SEEDS) {
      const nodes = forest(seed)
      const target = nodes[seed % nodes.length]
      if (target === undefined) continue
      const more = grow([...nodes, { id: 'new', parent_id: target.parent_id, created_at: 1000 }])
      for (const node of nodes) expect(more.byId.get(node.id)).toBe(node)
      expect(siblings(more, 'new').map((message) => message.id)).toContain(target.id)
      expect(newestLeaf(more)).toBe('new')
    }
  })

  it('does not depend on the order in which messages come', () => {
    for (const seed of SEEDS) {
      const nodes = forest(seed)
      const [there, back] = [grow(nodes), grow([...nodes].reverse())]
      for (const node of nodes) expect(leafBelow(there, node.id)).toBe(leafBelow(back, node.id))
    }
  })
})

describe('damaged trees', () => {
  it('end: a ring, and a parent that is missing', () => {
    const ring = grow([
      { id: 'a', parent_id: 'b', created_at: 1 },
      { id: 'b', parent_id: 'a', created_at: 2 },
      { id: 'c', parent_id: 'gone', created_at: 3 },
    ])
    expect(pathTo(ring, 'a').length).toBe(2)
    expect(leafBelow(ring, 'a')).toBe('b')
    expect(pathTo(ring, 'c').map((message) => message.id)).toEqual(['c'])
    expect(placeOf(ring, 'c')).toEqual({ index: 0, count: 1 })
  })

  it('say so: nothing there', () => {
    const empty = grow([])
    expect(newestLeaf(empty)).toBeNull()
    expect(pathTo(empty, 'x')).toEqual([])
    expect(siblings(empty, 'x')).toEqual([])
    expect(leafFor(empty, 'x', null)).toBeNull()
  })
})

describe('leafFor', () => {
  it('takes the first wish that exists, and its branch', () => {
    const tree = grow([
      { id: 'u', parent_id: null, created_at: 1 },
      { id: 'a1', parent_id: 'u', created_at: 2 },
      { id: 'a2', parent_id: 'u', created_at: 3 },
    ])
    expect(leafFor(tree, undefined, 'gone', 'a1')).toBe('a1')
    expect(leafFor(tree, 'u')).toBe('a2')
    expect(leafFor(tree)).toBe('a2')
  })
})
