import { createContext, useContext } from 'react'
import type { ChatActions } from './use-chat-actions'
import type { Model } from './use-models'

/** What every message of the conversation that is shown needs. */
export interface Conversation {
  readonly chatId: string | null
  readonly actions: ChatActions
  readonly models: readonly Model[]
  /** The model that answers next. */
  readonly model: string | null
  /** Whether an answer is being written: until it ends no other can begin here. */
  readonly isBusy: boolean
  /** Does something that may fail, and shows why where it does. */
  readonly attempt: (what: () => Promise<void>) => void
}

const Context = createContext<Conversation | null>(null)

export const ConversationProvider = Context.Provider

export function useConversation(): Conversation {
  const found = useContext(Context)
  if (found === null) throw new Error('outside of a conversation')
  return found
}
