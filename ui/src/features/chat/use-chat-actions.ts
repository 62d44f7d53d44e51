import { useMemo } from 'react'
import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { addFile, addMessage, beginRun, cancelRun, changeChat, changeMessage, chatKeys, createChat, type NewPart } from './api'
import { runs } from './runs'
import type { Chat, Message, Params, Summary } from './types'
import { rememberModel } from './ui-store'

/** What a conversation is begun with. */
export interface Beginning {
  model: string | null
  system_prompt: string
  params: Params
}

export interface Outgoing {
  text: string
  files: readonly File[]
}

export interface ChatActions {
  /** Sends a message behind `parent` and asks for an answer. Throws ApiError; nothing is lost then. */
  send: (parent: string | null, outgoing: Outgoing, beginning: Beginning) => Promise<void>
  /** Another version of a message that was sent, and an answer to it. */
  branch: (message: Message, text: string, model: string | null) => Promise<void>
  /** Another text in place; all that follows stays. */
  save: (message: Message, text: string) => Promise<void>
  /** Another answer to the same, maybe by another model. */
  regenerate: (message: Message, model: string | null) => Promise<void>
  /** Goes on where an answer stopped. */
  goOn: (message: Message, model: string | null) => Promise<void>
  /** Answers for a tool, and lets the model go on. */
  answerTool: (parent: string, callId: string, result: string, model: string | null) => Promise<void>
  stop: (runId: string) => Promise<void>
  show: (leaf: string) => Promise<void>
}

export function useChatActions(chatId: string | null): ChatActions {
  const client = useQueryClient()
  const navigate = useNavigate()
  return useMemo(() => {
    const id = chatId ?? ''
    const run = async (chat: string, parent: string, model: string | null, goesOn = false) => {
      const begun = await beginRun(chat, { parent_id: parent, model, ...(goesOn ? { continue: true } : {}) })
      if (model !== null) rememberModel(model)
      put(client, begun.chat, begun.message)
      void client.invalidateQueries({ queryKey: ['chats', 'list'] })
      await navigate({ to: '/chat/$chatId', params: { chatId: chat }, search: {}, replace: chatId === chat })
    }
    return {
      send: async (parent, outgoing, beginning) => {
        const chat = chatId ?? (await begin(client, beginning)).id
        const made = await addMessage(chat, parent, 'user', await partsOf(chat, outgoing))
        put(client, made.chat, made.message)
        await run(chat, made.message.id, beginning.model)
      },
      branch: async (message, text, model) => {
        const made = await addMessage(id, message.parent_id, 'user', withText(message, text))
        put(client, made.chat, made.message)
        await run(id, made.message.id, model)
      },
      save: async (message, text) => {
        const changed = await changeMessage(id, message.id, withText(message, text))
        runs.release(message.id)
        put(client, changed.chat, changed.message)
      },
      regenerate: async (message, model) => {
        if (message.parent_id !== null) await run(id, message.parent_id, model)
      },
      goOn: (message, model) => run(id, message.id, model, true),
      answerTool: async (parent, callId, result, model) => {
        const made = await addMessage(id, parent, 'tool', [{ type: 'tool_result', tool_call_id: callId, text: result }])
        put(client, made.chat, made.message)
        await run(id, made.message.id, model)
      },
      stop: async (runId) => {
        await cancelRun(runId)
      },
      show: async (leaf) => {
        client.setQueryData<Chat>(chatKeys.one(id), (chat) => chat && { ...chat, leaf_id: leaf })
        await navigate({ to: '/chat/$chatId', params: { chatId: id }, search: { leaf }, replace: true })
        await changeChat(id, { leaf_id: leaf })
      },
    }
  }, [chatId, client, navigate])
}

async function begin(client: QueryClient, beginning: Beginning): Promise<Summary> {
  const chat = await createChat(beginning)
  client.setQueryData<Chat>(chatKeys.one(chat.id), { ...chat, messages: [] })
  return chat
}

/** Has the conversation with a message that is new or changed, without fetching it again. */
function put(client: QueryClient, chat: Summary, message: Message): void {
  client.setQueryData<Chat>(chatKeys.one(chat.id), (old) => {
    if (old === undefined) return old
    const isKnown = old.messages.some((one) => one.id === message.id)
    const messages = isKnown ? old.messages.map((one) => (one.id === message.id ? message : one)) : [...old.messages, message]
    return { ...old, ...chat, messages }
  })
}

async function partsOf(chat: string, { text, files }: Outgoing): Promise<NewPart[]> {
  const parts: NewPart[] = []
  for (const file of files) {
    const kept = await addFile(chat, file)
    parts.push({ type: kept.type, file_id: kept.file_id, name: kept.name })
  }
  if (text.trim() !== '') parts.push({ type: 'text', text })
  return parts
}

/** The parts of a message with another text: files stay, and so do thoughts and calls. */
function withText(message: Message, text: string): NewPart[] {
  const rest = message.parts.filter((part) => part.type !== 'text')
  const before = rest.filter((part) => part.type !== 'tool_call')
  const calls = rest.filter((part) => part.type === 'tool_call')
  const said: NewPart[] = text.trim() === '' ? [] : [{ type: 'text', text }]
  return [...before, ...said, ...calls].map(sendable)
}

function sendable(part: NewPart | Message['parts'][number]): NewPart {
  if (part.type === 'image' || part.type === 'audio' || part.type === 'file') {
    return { type: part.type, file_id: part.file_id, ...(part.name === undefined ? {} : { name: part.name }) }
  }
  return part
}
