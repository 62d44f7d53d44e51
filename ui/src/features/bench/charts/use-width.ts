import { useCallback, useState, type RefCallback } from 'react'

const LEAST = 280

/** The width of a box in pixels, so that a drawing keeps the size of its letters in any box. */
export function useWidth(first: number): [RefCallback<HTMLElement>, number] {
  const [width, setWidth] = useState(first)
  const ref = useCallback((box: HTMLElement | null) => {
    if (box === null) return undefined
    const size = new ResizeObserver(() => setWidth(Math.max(LEAST, Math.round(box.clientWidth))))
    size.observe(box)
    return () => size.disconnect()
  }, [])
  return [ref, width]
}
