// Which forms hold what is not saved: whoever leaves the page is asked first.
import { useEffect } from 'react'
import { createStore } from 'zustand'

const forms = createStore<ReadonlySet<symbol>>(() => new Set())

export function hasUnsaved(): boolean {
  return forms.getState().size > 0
}

/** What is not saved is given up: nobody is asked about it. */
export function giveUpUnsaved(): void {
  forms.setState(new Set(), true)
}

/** While `unsaved`, leaving the address of the page is asked about. */
export function useUnsaved(unsaved: boolean): void {
  useEffect(() => {
    if (!unsaved) return undefined
    const form = Symbol('unsaved')
    forms.setState((all) => new Set(all).add(form), true)
    return () => forms.setState((all) => new Set([...all].filter((one) => one !== form)), true)
  }, [unsaved])
}
