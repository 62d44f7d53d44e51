// What the command palette offers: a page adds its own commands while it is shown.
import { useEffect } from 'react'
import { createStore, useStore } from 'zustand'

export interface Command {
  id: string
  label: string
  /** The heading that it stands under. */
  group: string
  /** Other words that find it. */
  keywords?: string
  /** Its shortcut, as `mod+k`. */
  keys?: string
  run: () => void
}

const registry = createStore<ReadonlyMap<symbol, readonly Command[]>>(() => new Map())
const open = createStore(() => false)

/** Commands while the component is there; keep the array with `useMemo`. */
export function useCommands(commands: readonly Command[]): void {
  useEffect(() => {
    const owner = Symbol('commands')
    registry.setState((all) => new Map(all).set(owner, commands), true)
    return () =>
      registry.setState((all) => {
        const rest = new Map(all)
        rest.delete(owner)
        return rest
      }, true)
  }, [commands])
}

export function useAllCommands(): readonly Command[] {
  return [...useStore(registry).values()].flat()
}

export function usePaletteOpen(): boolean {
  return useStore(open)
}

export function setPaletteOpen(next: boolean): void {
  open.setState(next, true)
}

/** The commands that `query` finds, the best first: all its words, in any order. */
export function found(commands: readonly Command[], query: string): readonly Command[] {
  const words = query.toLocaleLowerCase().split(/\s+/).filter(Boolean)
  const rated = commands.flatMap((command) => {
    const label = command.label.toLocaleLowerCase()
    const text = `${label} ${command.group.toLocaleLowerCase()} ${command.keywords?.toLocaleLowerCase() ?? ''}`
    if (!words.every((word) => text.includes(word))) return []
    const first = words[0] ?? ''
    return [{ command, rank: label.startsWith(first) ? 0 : label.includes(first) ? 1 : 2 }]
  })
  return rated.sort((a, b) => a.rank - b.rank).map((one) => one.command)
}
