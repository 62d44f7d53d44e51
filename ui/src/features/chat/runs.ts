/** The one store of runs of this tab, fed by the server's streams. */
import { asApiError } from '@/api/client'
import { sse } from '@/realtime/sse-fetch'
import type { RunEvent } from './run-events'
import { RunStore, type Source } from './run-store'

/** A connection on which nothing comes for this long, not even a comment, is dead. */
const SILENCE = 25_000

const source: Source = async function* (runId, seq, signal) {
  const watch = new AbortController()
  const stop = () => watch.abort()
  signal.addEventListener('abort', stop)
  let timer = setTimeout(stop, SILENCE)
  const onSign = () => {
    clearTimeout(timer)
    timer = setTimeout(stop, SILENCE)
  }
  try {
    for await (const event of sse(`/api/v1/runs/${encodeURIComponent(runId)}/events?after=${seq}`, { signal: watch.signal, onSign }))
      if (event.data !== '') yield JSON.parse(event.data) as RunEvent
  } catch (failure) {
    throw asApiError(failure)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

export const runs = new RunStore(source)

const HIDDEN_FOR = 10_000

/** Lets streams go while nobody looks at the tab: the answers go on, and are caught up with. What it returns ends that. */
export function mindVisibility(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const seen = () => {
    clearTimeout(timer)
    if (document.visibilityState === 'hidden') timer = setTimeout(() => runs.pause(true), HIDDEN_FOR)
    else runs.pause(false)
  }
  document.addEventListener('visibilitychange', seen)
  seen()
  return () => {
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', seen)
    runs.pause(false)
  }
}
