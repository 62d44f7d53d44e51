import { useEffect, useMemo } from 'react'
import { AudioLines, FileText, X } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { cn } from '@/components/ui/cn'
import { bytes, list } from '@/i18n/format'
import { kindOf } from './attach'
import { setDraft, useDraft } from './ui-store'
import type { Model } from './use-models'

const SENSES = [
  ['image', 'vision'],
  ['audio', 'audio'],
] as const

/** What goes with the message; marked where the model that is chosen now cannot take it. */
export function DraftFiles({ chatId, model }: { chatId: string | null; model: Model | undefined }) {
  const { t } = useTranslation('chat')
  const { files } = useDraft(chatId)
  if (files.length === 0) return null
  const lacking = files.map((file) => {
    const lacks = SENSES.find(([kind, sense]) => kindOf(file) === kind && model?.capabilities.includes(sense) === false)
    return lacks === undefined ? null : t(`refused.${lacks[1]}`, { name: file.name, model: model?.id ?? '' })
  })
  const said = lacking.filter((one) => one !== null)
  return (
    <div className="px-3 pt-3">
      <ul aria-label={t('attach.list')} className="flex flex-wrap gap-2">
        {files.map((file, index) => {
          const kind = kindOf(file)
          return (
            <li
              key={`${file.name}-${file.size}-${file.lastModified}`}
              title={file.name}
              className={cn('flex h-10 max-w-56 items-center gap-2 rounded-md border border-line bg-sunken pr-1 pl-2 text-sm', lacking[index] !== null && 'border-bad-mark text-bad')}
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
      <p role="status" className="text-sm text-bad not-empty:mt-2">
        {list(said)}
      </p>
    </div>
  )
}

function Thumbnail({ file }: { file: File }) {
  const address = useMemo(() => URL.createObjectURL(file), [file])
  useEffect(() => () => URL.revokeObjectURL(address), [address])
  return <img src={address} alt="" className="size-7 shrink-0 rounded-sm object-cover" />
}
