import { useMemo } from 'react'
import { type InfiniteData, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { toast } from '@/components/ui/Toast'
import { type ChatChange, changeChat, chatKeys, deleteChat, type ListPage, restoreChat } from './api'
import type { Chat, Summary } from './types'

/** Keeps the list in order: names, pins, folders, and deletion that can be taken back. */
export function useFiling() {
  const { t } = useTranslation('chat')
  const client = useQueryClient()
  const navigate = useNavigate()
  return useMemo(() => {
    const refresh = () => void client.invalidateQueries({ queryKey: ['chats', 'list'] })
    const change = async (chat: Summary, to: ChatChange) => {
      try {
        const changed = await changeChat(chat.id, to)
        client.setQueryData<Chat>(chatKeys.one(chat.id), (old) => old && { ...old, ...changed })
        refresh()
      } catch (failure) {
        toast.failure(failure, t('history.failed'))
      }
    }
    const restore = async (chat: Summary) => {
      try {
        await restoreChat(chat.id)
        refresh()
      } catch (failure) {
        toast.failure(failure, t('history.failed'))
      }
    }
    return {
      rename: (chat: Summary, title: string) => void change(chat, { title }),
      pin: (chat: Summary, pinned: boolean) => void change(chat, { pinned }),
      file: (chat: Summary, folder: string | null) => void change(chat, { folder }),
      remove: (chat: Summary, isCurrent: boolean) => {
        void (async () => {
          try {
            await deleteChat(chat.id)
          } catch (failure) {
            toast.failure(failure, t('history.failed'))
            return
          }
          client.setQueriesData<InfiniteData<ListPage>>({ queryKey: ['chats', 'list'] }, (old) => old && { ...old, pages: old.pages.map((page) => ({ ...page, data: page.data.filter((one) => one.id !== chat.id) })) })
          refresh()
          if (isCurrent) await navigate({ to: '/chat', search: {} })
          // Who goes back to it is told that it is gone.
          client.removeQueries({ queryKey: chatKeys.one(chat.id) })
          toast.action(t('history.deleted', { title: chat.title === '' ? t('history.untitled') : chat.title }), { label: t('history.undo'), onClick: () => void restore(chat) })
        })()
      },
    }
  }, [client, navigate, t])
}
