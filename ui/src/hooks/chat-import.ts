import { useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'
import { importChats } from '@/api/chats'
import { keys } from '@/api/keys'
import { toast } from '@/components/ui/Toast'

/** What files of conversations may be called. */
export const CHAT_FILES = '.json,.jsonl,application/json'

/** Takes conversations out of a file, and says how many. Throws ApiError. */
export function useChatImport(): (file: File) => Promise<void> {
  const { t } = useTranslation()
  const client = useQueryClient()
  return useCallback(
    async (file) => {
      const { length: count } = await importChats(file)
      await client.invalidateQueries({ queryKey: keys.chats })
      toast.success(t('chatsImported', { count }))
    },
    [client, t],
  )
}
