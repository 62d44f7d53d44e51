import { type RefObject, useEffect, useRef } from 'react'
import { ArrowUp, Paperclip, Square } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Alert } from '@/components/ui/Alert'
import { FilePicker } from '@/components/ui/FilePicker'
import { IconButton } from '@/components/ui/IconButton'
import { Refusal } from '@/components/ui/Refusal'
import { enterHere, useImeEnter } from '@/hooks/ime-enter'
import { wantsOf } from '@/hooks/send-key'
import { pasteAsFile } from './attach'
import { DraftFiles } from './DraftFiles'
import { MicButton } from './MicButton'
import { ThinkingSelect } from './ThinkingSelect'
import { toolCount } from './tools'
import { ToolsMenu } from './ToolsMenu'
import type { Params } from './types'
import { setDraft, useDraft, type Problem } from './ui-store'
import type { Model } from './use-models'

export interface ComposerProps {
  chatId: string | null
  model: Model | undefined
  /** The name that is chosen, whether there is a model of it or not. */
  name: string | null
  params: Params
  onParams: (params: Params) => void
  onSend: () => void
  /** Takes files in, or says why not. */
  onFiles: (files: readonly File[]) => void
  /** Null where nothing is being written. */
  onStop: (() => void) | null
  onEditLast: () => void
  isSending: boolean
  /** Why nothing can be sent at all. */
  reason: string | null
  problem: Problem | null
  onDismiss: () => void
  field: RefObject<HTMLTextAreaElement | null>
}

/** Where a message is written. Send becomes Stop in its place, so that a hand need not look for it. */
export function Composer(props: ComposerProps) {
  const { t } = useTranslation('chat')
  const { chatId, model, name, onSend, onStop, onFiles, field, reason } = props
  const draft = useDraft(chatId)
  const picker = useRef<HTMLInputElement>(null)
  const isEmpty = draft.text.trim() === '' && draft.files.length === 0
  const send = () => {
    if (onStop === null && reason === null && !props.isSending) onSend()
  }
  const { onKeyDown, onCompositionEnd } = useImeEnter(send, enterHere(wantsOf()))
  useEffect(() => {
    const { dataset } = document.documentElement
    dataset['composer'] = ''
    return () => {
      delete dataset['composer']
    }
  }, [])
  useEffect(() => {
    if (window.matchMedia('(hover: hover)').matches) field.current?.focus()
  }, [field])
  return (
    <div className="mx-auto w-full max-w-3xl px-4 pb-3">
      {props.problem !== null && (
        <Alert
          tone="bad"
          className="mb-2"
          actions={
            <button type="button" className="text-sm font-medium text-ink-2 hover:text-ink" onClick={props.onDismiss}>
              {t('composer.dismiss')}
            </button>
          }
        >
          {typeof props.problem === 'string' ? props.problem : <Refusal error={props.problem} />}
        </Alert>
      )}
      <div className="rounded-xl border border-line-strong/60 bg-surface shadow-sm focus-within:border-accent-ink focus-within:outline-1 focus-within:outline-accent-ink">
        <DraftFiles chatId={chatId} model={model} />
        <textarea
          ref={field}
          value={draft.text}
          rows={1}
          data-testid="composer"
          aria-label={t('composer.label')}
          placeholder={reason ?? (name === null ? t('composer.label') : t('composer.placeholder', { model: name }))}
          data-open={reason === null ? '' : undefined}
          disabled={reason !== null}
          onChange={(event) => setDraft(chatId, { text: event.target.value })}
          onCompositionEnd={onCompositionEnd}
          onKeyDown={(event) => {
            if (event.key === 'ArrowUp' && !event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey && draft.text === '' && !event.nativeEvent.isComposing) {
              event.preventDefault()
              props.onEditLast()
            } else onKeyDown(event)
          }}
          onPaste={(event) => {
            const files = [...event.clipboardData.files]
            const long = files.length > 0 ? null : pasteAsFile(event.clipboardData.getData('text/plain'), new Date())
            if (files.length === 0 && long === null) return
            event.preventDefault()
            onFiles(long === null ? files : [long])
          }}
          className="field-sizing-content max-h-[40dvh] min-h-11 w-full resize-none bg-transparent px-3.5 pt-3 pb-1 text-md outline-none placeholder:text-ink-3 data-open:placeholder:truncate"
        />
        <div className="flex items-center gap-1 px-2 pb-2">
          <FilePicker ref={picker} multiple testId="file-input" onFiles={onFiles} />
          <IconButton label={t('composer.attach')} icon={<Paperclip />} disabled={reason !== null} onClick={() => picker.current?.click()} />
          <MicButton model={model} onFile={(file) => onFiles([file])} />
          {model?.capabilities.includes('thinking') === true && <ThinkingSelect params={props.params} onParams={props.onParams} />}
          {/* Those of a model before that could call some: whoever chose them sees why the next refuses. */}
          {(model?.capabilities.includes('tools') === true || toolCount(props.params) > 0) && <ToolsMenu params={props.params} onParams={props.onParams} />}
          <span className="flex-1" />
          {onStop === null ? (
            <IconButton
              label={t('composer.send')}
              data-testid="send"
              icon={<ArrowUp />}
              variant="primary"
              busy={props.isSending}
              disabled={isEmpty || reason !== null}
              onClick={send}
              className="rounded-full"
            />
          ) : (
            <IconButton label={t('composer.stop')} data-testid="stop" icon={<Square className="size-3! fill-current" />} variant="primary" onClick={onStop} className="rounded-full" />
          )}
        </div>
      </div>
    </div>
  )
}
