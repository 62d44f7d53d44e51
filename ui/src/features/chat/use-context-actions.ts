import { useMemo } from 'react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { authStatus, may } from '@/api/auth'
import { addMessage, beginRun, createChat, type NewPart } from './api'
import type { ContextActions } from './ContextRing'
import { transcript } from './transcript'
import type { Message, Params } from './types'
import type { Model } from './use-models'

interface State {
  readonly path: readonly Message[]
  readonly model: Model | undefined
  readonly modelId: string | null
  readonly systemPrompt: string
  readonly params: Params
}

/** A token is at least so many characters in texts of all languages; a summary asked for by it always fits. */
const CHARS = 1.2

/** What helps where the context is full. The conversation itself stays as it is: each begins another. */
export function useContextActions(state: State, attempt: (what: () => Promise<void>) => void): ContextActions {
  const { t } = useTranslation('chat')
  const client = useQueryClient()
  const navigate = useNavigate()
  const { data: auth } = useQuery(authStatus)
  const { path, model, modelId, systemPrompt, params } = state
  const isAdmin = may(auth, 'admin')
  return useMemo(() => {
    const open = async (id: string) => {
      void client.invalidateQueries({ queryKey: ['chats', 'list'] })
      await navigate({ to: '/chat/$chatId', params: { chatId: id }, search: {} })
    }
    const begin = (title: string) => createChat({ title, model: modelId, system_prompt: systemPrompt, params })
    const titled = (text: string) => text.slice(0, 200)
    const first = path.find((message) => message.role === 'user')
    const subject = first?.parts.find((part) => part.type === 'text')?.text.slice(0, 60) ?? ''
    return {
      onSummary: () =>
        attempt(async () => {
          const limit = Math.floor((model?.context ?? 2048) * CHARS * 0.7)
          const said = transcript(path, { user: t('message.user'), assistant: t('message.assistant') }, limit)
          const chat = await begin(titled(t('context.summaryTitle', { subject })))
          const { message } = await addMessage(chat.id, null, 'user', [{ type: 'text', text: t('context.summaryAsk', { text: said }) }])
          await beginRun(chat.id, { parent_id: message.id, model: modelId })
          await open(chat.id)
        }),
      onTrim: () =>
        attempt(async () => {
          const chat = await begin(titled(t('context.trimTitle', { subject })))
          let parent: string | null = null
          for (const message of newestHalf(path)) {
            const parts = message.parts.flatMap((part): NewPart[] => (part.type === 'text' ? [{ type: 'text', text: part.text }] : []))
            if (parts.length === 0 || (message.role !== 'user' && message.role !== 'assistant')) continue
            const { message: made }: { message: Message } = await addMessage(chat.id, parent, message.role, parts)
            parent = made.id
          }
          await open(chat.id)
        }),
      onRaise: isAdmin && modelId !== null ? () => void navigate({ to: '/models', search: { m: modelId, part: 'load' } }) : null,
    }
  }, [path, model, modelId, systemPrompt, params, isAdmin, attempt, client, navigate, t])
}

/** The newest half of a branch, from a message of the user on. */
function newestHalf(path: readonly Message[]): readonly Message[] {
  const from = path.findIndex((message, index) => index >= path.length / 2 && message.role === 'user')
  return path.slice(from < 0 ? Math.max(0, path.length - 2) : from)
}
