import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from '@/components/ui/Toast'
import { useChatImport } from '@/hooks/chat-import'
import { saveFile } from '@/markdown/save'
import { exported } from './api'
import { fileName } from './transcript'
import type { Summary } from './types'

/** Conversations as files, out and in. */
export function useExchange() {
  const { t } = useTranslation('chat')
  const takeIn = useChatImport()
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
      importFile: (file: File) => void attempt(() => takeIn(file)),
    }
  }, [takeIn, t])
}
