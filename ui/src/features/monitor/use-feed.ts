import { useSyncExternalStore } from 'react'
import type { Reading } from '@/realtime/topics'
import { feed } from './feed'

/** The figures that are shown, null before the first; renders again with each, once a second. */
export function useReading(): Reading | null {
  return useSyncExternalStore(feed.subscribe, feed.reading)
}

export function usePaused(): boolean {
  return useSyncExternalStore(feed.subscribe, feed.isPaused)
}
