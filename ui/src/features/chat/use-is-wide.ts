import { useCallback, useSyncExternalStore } from 'react'

/** Whether the window is at least so many pixels wide. */
export function useIsWide(pixels: number): boolean {
  const query = `(min-width: ${pixels}px)`
  return useSyncExternalStore(
    useCallback(
      (listener) => {
        const found = window.matchMedia(query)
        found.addEventListener('change', listener)
        return () => found.removeEventListener('change', listener)
      },
      [query],
    ),
    () => window.matchMedia(query).matches,
  )
}
