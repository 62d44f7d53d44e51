// The key that the examples are filled in with: in this tab alone, and never written anywhere.
import { queryOptions } from '@tanstack/react-query'
import { createStore } from 'zustand'

export const guideKey = createStore<string>(() => '')

/** Whether a client without any credentials is refused: asked the way such a client would ask. */
export const keyNeeded = queryOptions({
  queryKey: ['guide', 'key-needed'],
  queryFn: async () => (await fetch('/v1/models', { credentials: 'omit' })).status === 401,
})
