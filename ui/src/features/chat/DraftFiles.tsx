import { useEffect, useMemo } from 'react'
import { AudioLines, FileText, X } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { cn } from '@/components/ui/cn'
import { bytes } from '@/i18n/format'
import { kindOf } from './attach'
import { setDraft, useDraft } from './ui-store'
import type { Model } from './use-models'

/** What goes with the message; marked where the model that is chosen now cannot take it. */
export function DraftFiles({ chatId, model }: { chatId: string | null; model: Model | undefined }) {
  const { t } = useTranslation('chat')
  const { files } = useDraft(chatId)
  if (files.length === 0) return null
  return (
    <ul aria-label={t('attach.list')} className="flex flex-wrap gap-2 px-3 pt-3">
      {files.map((file, index) => {
        const kind = kindOf(file)
        const lacks = (kind === 'image' && model?.capabilities.includes('vision') === false) || (kind === 'audio' && model?.capabilities.includes('audio') === false)
        return (
          <li
            key={`${file.name}-${file.size}-${file.lastModified}`}
            title={lacks ? t(kind === 'image' ? 'refused.vision' : 'refused.audio', { name: file.name, model: model?.id ?? '' }) : file.name}
            className={cn('flex h-10 max-w-56 items-center gap-2 rounded-md border border-line bg-sunken pr-1 pl-2 text-sm', lacks && 'border-bad-mark text-bad')}
          >
            {kind === 'image' ? <Thumbnail file={file} /> : kind === 'audio' ? <AudioLines aria-hidden size={14} className="shrink-0" /> : <FileText aria-hidden size={14} className="shrink-0" />}
            <span className="min-w-0 truncate">{file.name}</span>
            <span className="shrink-0 text-xs text-ink-3">{bytes(file.size)}</span>
            <button
              type="button"
              aria-label={t('attach.remove', { name: file.name })}
              onClick={() => setDraft(chatId, { files: files.filter((_, place) => place !== index) })}
              className="grid size-6 shrink-0 place-items-center rounded-sm text-ink-3 hover:bg-hover hover:text-ink"
            >
              <X aria-hidden size={14} />
            </button>
          </li>
        )
      })}
    </ul>
  )
}

function Thumbnail({ file }: { file: File }) {
  const address = useMemo(() => URL.createObjectURL(file), [file])
  useEffect(() => () => URL.revokeObjectURL(address), [address])
  return <img src={address} alt="" className="size-7 shrink-0 rounded-sm object-cover" />
}
