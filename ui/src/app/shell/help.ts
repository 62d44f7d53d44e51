import { createStore, useStore } from 'zustand'

const open = createStore(() => false)

export function setHelpOpen(next: boolean): void {
  open.setState(next, true)
}

export function useHelpOpen(): boolean {
  return useStore(open)
}
