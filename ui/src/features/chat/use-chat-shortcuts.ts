import type { RefObject } from 'react'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { toast } from '@/components/ui/Toast'
import { copyText } from '@/hooks/clipboard'
import { useShortcut } from '@/hooks/shortcuts'
import type { InfiniteData } from '@tanstack/react-query'
import { chatKeys, type ListPage } from './api'
import { lastCode, markdownOf } from './transcript'
import type { Message } from './types'
import { inOrder } from './use-history'

/** The keys of the page. */
export function useChatShortcuts({ chatId, path, field, onStop, onHistory, onNew }: {
  chatId: string | null
  path: readonly Message[]
  field: RefObject<HTMLTextAreaElement | null>
  onStop: (() => void) | null
  onHistory: () => void
  onNew: () => void
}): void {
  const { t } = useTranslation('chat')
  const client = useQueryClient()
  const navigate = useNavigate()
  const copy = (text: string | null | undefined) => {
    if (text === null || text === undefined || text === '') toast.info(t('keys.nothing'))
    else void copyText(text).then((done) => (done ? toast.success(t('keys.copied')) : toast.error(t('keys.failed'))))
  }
  const lastAnswer = () => path.findLast((message) => message.role === 'assistant')
  const step = (by: 1 | -1) => {
    const chats = client.getQueryData<InfiniteData<ListPage>>(chatKeys.list(''))?.pages.flatMap((page) => page.data) ?? []
    const ids = inOrder(chats, new Date()).map((chat) => chat.id)
    const at = chatId === null ? -1 : ids.indexOf(chatId)
    const next = ids[at + by]
    if (next !== undefined) void navigate({ to: '/chat/$chatId', params: { chatId: next }, search: {} })
  }
  const between = () => {
    const messages = document.getElementById('messages')
    if (document.activeElement === field.current && messages !== null) messages.focus()
    else field.current?.focus()
  }
  useShortcut({ keys: 'mod+shift+o', label: t('keys.new') }, onNew)
  useShortcut({ keys: 'mod+b', label: t('keys.history') }, onHistory)
  useShortcut({ keys: 'escape', label: t('keys.stop'), typing: true }, () => onStop?.())
  useShortcut({ keys: 'mod+shift+c', label: t('keys.copyAnswer') }, () => {
    const answer = lastAnswer()
    copy(answer && markdownOf(answer))
  })
  useShortcut({ keys: 'mod+shift+;', label: t('keys.copyCode') }, () => {
    const answer = lastAnswer()
    copy(answer && lastCode(markdownOf(answer)))
  })
  useShortcut({ keys: 'alt+arrowup', label: t('keys.previous'), typing: true }, () => step(-1))
  useShortcut({ keys: 'alt+arrowdown', label: t('keys.next'), typing: true }, () => step(1))
  useShortcut({ keys: 'f6', label: t('keys.between'), typing: true }, between)
}
