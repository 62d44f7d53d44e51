import { useEffect, useMemo } from 'react'
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { hub, useTopics } from '@/realtime/hub'
import { chatList } from './api'
import type { Listed } from './types'
import { useDay } from './use-day'

export interface Group {
  readonly key: 'pinned' | 'today' | 'yesterday' | 'week' | 'older' | 'folder' | 'found'
  readonly name: string
  readonly chats: readonly Listed[]
}

/** The list of conversations, in groups, with what is running as it is now. */
export function useHistory(query: string) {
  const client = useQueryClient()
  const found = useInfiniteQuery(chatList(query))
  const pages = found.data?.pages
  const chats = useMemo(() => pages?.flatMap((page) => page.data) ?? [], [pages])
  const folders = pages?.[0]?.folders ?? []
  const day = useDay()
  const groups = useMemo(() => groupsOf(chats, query !== '', day), [chats, query, day])
  const isRunning = chats.some((chat) => chat.running !== null)
  useTopics(isRunning ? 'requests' : 'models')
  useEffect(() => {
    if (!isRunning) return undefined
    // An answer that has ended somewhere: what the list says of running is old. One may have before anything was heard of it.
    return hub.on('requests', (event) => {
      if (event.type === 'snapshot' || event.type === 'gone' || event.type === 'resync') void client.invalidateQueries({ queryKey: ['chats', 'list'] })
    })
  }, [isRunning, client])
  return { ...found, chats, groups, folders }
}

/** The conversations as the list shows them from top to bottom. */
export function inOrder(chats: readonly Listed[], now: Date): readonly Listed[] {
  return groupsOf(chats, false, now).flatMap((group) => group.chats)
}

/** By folders, then by when something was last said. */
export function groupsOf(chats: readonly Listed[], isSearch: boolean, now: Date): readonly Group[] {
  if (isSearch) return chats.length === 0 ? [] : [{ key: 'found', name: '', chats }]
  const since = (days: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() - days).getTime() / 1000
  const [today, yesterday, week] = [since(0), since(1), since(7)]
  const groups = new Map<string, Group & { chats: Listed[] }>()
  const put = (key: Group['key'], name: string, chat: Listed): void => {
    const group = groups.get(`${key}/${name}`)
    if (group === undefined) groups.set(`${key}/${name}`, { key, name, chats: [chat] })
    else group.chats.push(chat)
  }
  for (const chat of chats) {
    if (chat.pinned) put('pinned', '', chat)
    else if (chat.folder !== null) put('folder', chat.folder, chat)
    else if (chat.updated_at >= today) put('today', '', chat)
    else if (chat.updated_at >= yesterday) put('yesterday', '', chat)
    else if (chat.updated_at >= week) put('week', '', chat)
    else put('older', '', chat)
  }
  const order: Group['key'][] = ['pinned', 'folder', 'today', 'yesterday', 'week', 'older']
  return [...groups.values()].sort((a, b) => order.indexOf(a.key) - order.indexOf(b.key) || a.name.localeCompare(b.name))
}
