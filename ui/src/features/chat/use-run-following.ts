import { useEffect } from 'react'
import { useQueryClient } from '@tanstack/react-query'
import { chatKeys } from './api'
import { type RunView, withRun } from './run-events'
import { mindVisibility, runs } from './runs'
import type { Chat } from './types'

/** Listens to the run of the conversation that is shown, and has it fetched again when the run has ended. */
export function useRunFollowing(chat: Chat | undefined): void {
  const client = useQueryClient()
  const id = chat?.id
  const run = chat?.running ?? null
  const message = chat?.messages.find((one) => one.run_id === run && one.status === 'streaming')?.id
  useEffect(() => mindVisibility(), [])
  useEffect(() => {
    if (id === undefined || run === null || message === undefined) return undefined
    // Until the run tells what it has, what was fetched is shown.
    const parts = client.getQueryData<Chat>(chatKeys.one(id))?.messages.find((one) => one.id === message)?.parts
    return runs.follow({ runId: run, chatId: id, messageId: message }, parts)
  }, [client, id, run, message])
  useEffect(
    () =>
      runs.onEnd((view) => {
        // At once, what comes next need not wait for the list and the conversation to be fetched.
        if (view.status !== 'streaming') client.setQueryData<Chat>(chatKeys.one(view.chatId), (old) => old && ended(old, view))
        void (async () => {
          await client.invalidateQueries({ queryKey: chatKeys.one(view.chatId) })
          void client.invalidateQueries({ queryKey: ['chats', 'list'] })
          runs.release(view.messageId)
        })()
      }),
    [client],
  )
}

function ended(chat: Chat, view: RunView): Chat {
  if (chat.running !== view.runId) return chat
  return { ...chat, running: null, messages: chat.messages.map((one) => withRun(one, view)) }
}
