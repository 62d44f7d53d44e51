/** What the page has of conversations, changed without fetching it again; and changes on their way to the server. */
import type { QueryClient } from '@tanstack/react-query'
import { changeChat, type ChatChange, chatKeys } from './api'
import type { Chat, Message, Summary } from './types'

/**
 * Changes what is kept of a conversation. What is being fetched of it was asked for before, and is not waited for: it
 * would take the change back.
 */
export async function alter(client: QueryClient, id: string, how: (chat: Chat) => Chat): Promise<void> {
  await client.cancelQueries({ queryKey: chatKeys.one(id) })
  client.setQueryData<Chat>(chatKeys.one(id), (old) => old && how(old))
}

/** Has the conversation with a message that is new or changed. */
export function put(client: QueryClient, chat: Summary, message: Message): Promise<void> {
  return alter(client, chat.id, (old) => {
    const isKnown = old.messages.some((one) => one.id === message.id)
    const messages = isKnown ? old.messages.map((one) => (one.id === message.id ? message : one)) : [...old.messages, message]
    return { ...old, ...chat, messages }
  })
}

interface Queue {
  waiting: ChatChange
  readonly done: Promise<void>
}

const queues = new Map<string, Queue>()

/**
 * Has the server change a conversation: one change after the other, those that wait as one, so that the last is what holds.
 * Throws ApiError.
 */
export function changeInTurn(id: string, change: ChatChange, send = changeChat): Promise<void> {
  const before = queues.get(id)
  if (before !== undefined) {
    before.waiting = { ...before.waiting, ...change }
    return before.done
  }
  const sendAll = async () => {
    try {
      for (let next = queue.waiting; Object.keys(next).length > 0; next = queue.waiting) {
        queue.waiting = {}
        await send(id, next)
      }
    } finally {
      queues.delete(id)
    }
  }
  const queue: Queue = { waiting: change, done: Promise.resolve().then(sendAll) }
  queues.set(id, queue)
  return queue.done
}

/** Waits until the server has all changes of a conversation; those that failed have been told of where they were made. */
export async function changed(id: string): Promise<void> {
  await queues.get(id)?.done.catch(() => undefined)
}
