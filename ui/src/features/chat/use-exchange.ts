import { useMemo } from 'react'
import { useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { importChats } from '@/api/chats'
import { toast } from '@/components/ui/Toast'
import { saveFile } from '@/markdown/save'
import { exported } from './api'
import { fileName } from './transcript'
import type { Summary } from './types'

/** Conversations as files, out and in. */
export function useExchange() {
  const { t } = useTranslation('chat')
  const client = useQueryClient()
  return useMemo(() => {
    const attempt = async (what: () => Promise<void>) => {
      try {
        await what()
      } catch (failure) {
        toast.failure(failure, t('history.failed'))
      }
    }
    return {
      exportAll: () => void attempt(async () => saveFile(fileName('dovetail-chats', 'json'), await exported('json'))),
      exportOne: (chat: Summary, format: 'json' | 'md') =>
        void attempt(async () => saveFile(fileName(chat.title, format), await exported(format, [chat.id]))),
      importFile: (file: File) =>
        void attempt(async () => {
          const { length: count } = await importChats(file)
          await client.invalidateQueries({ queryKey: ['chats', 'list'] })
          toast.success(t('history.imported', { count }))
        }),
    }
  }, [client, t])
}
