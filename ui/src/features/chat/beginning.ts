/** How a conversation begins that is not there yet. */
import type { ChatDefaults } from '@/api/chats'
import type { Params } from './types'
import type { Beginning } from './ui-store'

/** What was said of it, if only that it is empty; else what one's defaults have. */
export function begunBy(said: Beginning, defaults: ChatDefaults | undefined): { system_prompt: string; params: Params } {
  const preset = defaults?.preset
  return { system_prompt: said.system_prompt ?? preset?.system_prompt ?? '', params: said.params ?? preset?.params ?? {} }
}
