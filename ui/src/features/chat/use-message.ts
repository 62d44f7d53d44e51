import { useCallback, useMemo, useSyncExternalStore } from 'react'
import { withRun } from './run-events'
import { runs } from './runs'
import type { Message } from './types'

/** A message as it is now. Only the drawing of the message that is written is told of what is written. */
export function useMessage(message: Message): Message {
  const { id } = message
  const view = useSyncExternalStore(
    useCallback((listener) => runs.subscribe(id, listener), [id]),
    useCallback(() => runs.view(id), [id]),
  )
  return useMemo(() => withRun(message, view), [message, view])
}
