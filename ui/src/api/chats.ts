// One's conversations, for the pages that are not of one alone, and what new ones begin with.
import { queryOptions } from '@tanstack/react-query'
import { api, data, request, type Schemas } from './client'
import { keys } from './keys'

export type ChatDefaults = Schemas['ChatDefaults']

export const presets = queryOptions({
  queryKey: keys.presets,
  queryFn: async () => (await data(api.GET('/api/v1/presets'))).data,
})

/** What new conversations begin with; asked for with each of them, since another tab may have changed it. */
export const chatDefaults = queryOptions({
  queryKey: keys.chatDefaults,
  queryFn: () => data(api.GET('/api/v1/chat-defaults')),
  staleTime: 0,
})

/** The first few in which a text stands. */
export const chatsFound = (text: string) =>
  queryOptions({
    queryKey: [...keys.chats, 'found', text],
    queryFn: () => data(api.GET('/api/v1/chats', { params: { query: { q: text, limit: 8 } } })),
    staleTime: 0,
  })

/** The ids of the conversations that have come out of a file. */
export async function importChats(file: File): Promise<readonly string[]> {
  const init = { method: 'POST', headers: { 'content-type': 'application/octet-stream' }, body: file }
  const response = await request('/api/v1/chats/import', init)
  return ((await response.json()) as Schemas['ImportAnswer']).chats
}

/** Deletes all, or none. */
export async function deleteAllChats(): Promise<void> {
  await api.DELETE('/api/v1/chats')
}
