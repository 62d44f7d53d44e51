/** The server's conversations: what is fetched, and what is asked of it. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { request, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import type { Chat, FilePart, Params, Part, Summary } from './types'

export type ListPage = Schemas['ChatList']
export type Preset = Schemas['PresetObject']

export type NewPart =
  | { type: 'text'; text: string }
  | { type: 'image' | 'audio' | 'file'; file_id: string; name?: string }
  | { type: 'tool_result'; tool_call_id: string; text: string }
  | Extract<Part, { type: 'reasoning' | 'tool_call' }>

export type Changed = Schemas['ChatChanged']
export type Begun = Schemas['RunStarted']

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init: RequestInit =
    body === undefined ? { method } : { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  return (await (await request(path, init)).json()) as T
}

function one(id: string): string {
  return `/api/v1/chats/${encodeURIComponent(id)}`
}

export const chatKeys = {
  all: keys.chats,
  list: (query: string) => [...keys.chatList, query] as const,
  one: (id: string) => [...keys.chat, id] as const,
}

export function chatList(query: string) {
  return infiniteQueryOptions({
    queryKey: chatKeys.list(query),
    queryFn: ({ pageParam }) => {
      const asked = new URLSearchParams({ limit: '50' })
      if (query !== '') asked.set('q', query)
      if (pageParam !== '') asked.set('after', pageParam)
      return call<ListPage>('GET', `/api/v1/chats?${asked}`)
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next,
  })
}

export function chatOf(id: string) {
  return queryOptions({ queryKey: chatKeys.one(id), queryFn: () => call<Chat>('GET', one(id)), staleTime: 10_000 })
}

export interface NewChat {
  title?: string
  folder?: string | null
  model: string | null
  system_prompt: string
  params: Params
}

export const createChat = (chat: NewChat) => call<Summary>('POST', '/api/v1/chats', chat)

export type ChatChange = Partial<Pick<Summary, 'title' | 'folder' | 'pinned' | 'leaf_id' | 'model' | 'system_prompt' | 'params'>>

export const changeChat = (id: string, change: ChatChange) => call<Summary>('PATCH', one(id), change)
export const deleteChat = (id: string) => call<unknown>('DELETE', one(id))
export const restoreChat = (id: string) => call<Summary>('POST', `${one(id)}/restore`)

export const addMessage = (id: string, parent: string | null, role: 'user' | 'tool' | 'assistant', parts: NewPart[]) =>
  call<Changed>('POST', `${one(id)}/messages`, { parent_id: parent, role, parts })

export const changeMessage = (id: string, message: string, parts: NewPart[]) =>
  call<Changed>('PATCH', `${one(id)}/messages/${encodeURIComponent(message)}`, { parts })

export interface NewRun {
  parent_id: string
  model?: string | null
  continue?: boolean
}

export const beginRun = (id: string, run: NewRun) => call<Begun>('POST', `${one(id)}/runs`, run)
export const cancelRun = (run: string) => call<unknown>('POST', `/api/v1/runs/${encodeURIComponent(run)}/cancel`)

export async function addFile(id: string, file: File): Promise<FilePart> {
  const init = { method: 'POST', headers: { 'content-type': 'application/octet-stream' }, body: file }
  return (await (await request(`${one(id)}/files?name=${encodeURIComponent(file.name)}`, init)).json()) as FilePart
}

export const fileAddress = (id: string) => `/api/v1/files/${encodeURIComponent(id)}`

export const putPreset = (id: string, preset: { name: string; system_prompt: string; params: Params }) =>
  call<Preset>('PUT', `/api/v1/presets/${encodeURIComponent(id)}`, preset)
export const removePreset = (id: string) => call<unknown>('DELETE', `/api/v1/presets/${encodeURIComponent(id)}`)

export async function exported(format: 'json' | 'md', ids?: readonly string[]): Promise<Blob> {
  const asked = new URLSearchParams({ format })
  if (ids !== undefined) asked.set('ids', ids.join(','))
  return (await request(`/api/v1/chats/export?${asked}`)).blob()
}
