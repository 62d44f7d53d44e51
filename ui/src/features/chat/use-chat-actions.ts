import { useMemo } from 'react'
import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { addFile, addMessage, beginRun, cancelRun, changeMessage, chatKeys, createChat, type NewPart } from './api'
import { alter, changed, changeInTurn, put } from './chat-cache'
import { shrunk } from './shrink'
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
  /** Sends a message behind `parent` and asks for an answer; `onKept` is told which conversation has the message. Throws ApiError. */
  send: (parent: string | null, outgoing: Outgoing, beginning: Beginning, onKept: (chatId: string) => void) => Promise<void>
  /** Another version of a message that was sent, and an answer to it. */
  branch: (message: Message, text: string, model: string | null, onKept: () => void) => Promise<void>
  /** An answer to a message that has none. */
  answer: (message: Message, model: string | null) => Promise<void>
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
      try {
        await changed(chat)
        const begun = await beginRun(chat, { parent_id: parent, model, ...(goesOn ? { continue: true } : {}) })
        if (model !== null) rememberModel(model)
        await put(client, begun.chat, begun.message)
      } finally {
        // Also where no answer has begun: the message is there.
        void client.invalidateQueries({ queryKey: ['chats', 'list'] })
        await navigate({ to: '/chat/$chatId', params: { chatId: chat }, search: {}, replace: chatId === chat })
      }
    }
    return {
      send: async (parent, outgoing, beginning, onKept) => {
        const chat = chatId ?? (await begin(client, beginning)).id
        const made = await addMessage(chat, parent, 'user', await partsOf(chat, outgoing))
        await put(client, made.chat, made.message)
        onKept(chat)
        await run(chat, made.message.id, beginning.model)
      },
      branch: async (message, text, model, onKept) => {
        const made = await addMessage(id, message.parent_id, 'user', withText(message, text))
        await put(client, made.chat, made.message)
        onKept()
        await run(id, made.message.id, model)
      },
      answer: (message, model) => run(id, message.id, model),
      save: async (message, text) => {
        const saved = await changeMessage(id, message.id, withText(message, text))
        await put(client, saved.chat, saved.message)
      },
      regenerate: async (message, model) => {
        if (message.parent_id !== null) await run(id, message.parent_id, model)
      },
      goOn: (message, model) => run(id, message.id, model, true),
      answerTool: async (parent, callId, result, model) => {
        const made = await addMessage(id, parent, 'tool', [{ type: 'tool_result', tool_call_id: callId, text: result }])
        await put(client, made.chat, made.message)
        await run(id, made.message.id, model)
      },
      stop: async (runId) => {
        await cancelRun(runId)
      },
      show: async (leaf) => {
        await alter(client, id, (chat) => ({ ...chat, leaf_id: leaf }))
        await navigate({ to: '/chat/$chatId', params: { chatId: id }, search: { leaf }, replace: true })
        await changeInTurn(id, { leaf_id: leaf })
      },
    }
  }, [chatId, client, navigate])
}

async function begin(client: QueryClient, beginning: Beginning): Promise<Summary> {
  const chat = await createChat(beginning)
  client.setQueryData<Chat>(chatKeys.one(chat.id), { ...chat, messages: [] })
  return chat
}

async function partsOf(chat: string, { text, files }: Outgoing): Promise<NewPart[]> {
  const parts: NewPart[] = []
  for (const file of files) {
    const kept = await addFile(chat, await shrunk(file))
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
