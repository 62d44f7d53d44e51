import { useCallback } from 'react'
import { useTranslation } from 'react-i18next'
import { bytes, list } from '@/i18n/format'
import { mostBytes, refusal, together } from './attach'
import { draftOf, setDraft, setProblem } from './ui-store'
import type { Model } from './use-models'

/** Bytes of one file that the server takes. */
const LARGEST = 20 * 1024 * 1024

/** Puts files beside the message that is written, and says of the others why they cannot go. */
export function useFiles(chatId: string | null, model: Model | undefined): (files: readonly File[]) => void {
  const { t } = useTranslation('chat')
  return useCallback(
    (files) => {
      const able = (what: string) => model === undefined || model.capabilities.includes(what)
      const limits = { vision: able('vision'), audio: able('audio'), largest: LARGEST }
      const refused: string[] = []
      const taken: File[] = []
      for (const file of files) {
        const why = refusal(file, limits)
        if (why === null) taken.push(file)
        else refused.push(t(`refused.${why}`, { name: file.name, model: model?.id ?? '', size: bytes(mostBytes(file, LARGEST)) }))
      }
      setProblem(chatId, refused.length === 0 ? null : list(refused))
      if (taken.length > 0) setDraft(chatId, { files: together(draftOf(chatId).files, taken) })
    },
    [chatId, model, t],
  )
}
