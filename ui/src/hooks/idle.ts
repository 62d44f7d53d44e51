import { useEffect, useState } from 'react'

/** Counts from `first` on to `last`, one further whenever the page has time; what is drawn in such steps holds nobody up. */
export function useIdleSteps(first: number, last: number): number {
  const [at, setAt] = useState(first)
  const isDone = at >= last
  useEffect(() => (isDone ? undefined : whenIdle(() => setAt(at + 1))), [isDone, at])
  return Math.min(at, last)
}

function whenIdle(then: () => void): () => void {
  if (typeof requestIdleCallback === 'function') {
    const id = requestIdleCallback(then, { timeout: 500 })
    return () => cancelIdleCallback(id)
  }
  const id = setTimeout(then, 16)
  return () => clearTimeout(id)
}
