import { useEffect } from 'react'
import { useQueryClient } from '@tanstack/react-query'
import { chatKeys } from './api'
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
    return runs.follow({ runId: run, chatId: id, messageId: message })
  }, [id, run, message])
  useEffect(
    () =>
      runs.onEnd((view) => {
        void (async () => {
          await client.invalidateQueries({ queryKey: chatKeys.one(view.chatId) })
          void client.invalidateQueries({ queryKey: ['chats', 'list'] })
          runs.release(view.messageId)
        })()
      }),
    [client],
  )
}
