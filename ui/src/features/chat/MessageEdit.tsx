import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/Button'
import { modEnter, useImeEnter } from '@/hooks/ime-enter'

/** A message as it is changed: as another branch with another answer, or in place. */
export function MessageEdit(props: {
  text: string
  isUser: boolean
  onCancel: () => void
  onSave: (text: string) => void
  onBranch: (text: string) => void
}) {
  const { t } = useTranslation('chat')
  const { isUser, onCancel, onSave, onBranch } = props
  const [text, setText] = useState(props.text)
  const field = useRef<HTMLTextAreaElement>(null)
  const isEmpty = text.trim() === ''
  const done = () => {
    if (isEmpty) return
    if (isUser) onBranch(text)
    else onSave(text)
  }
  const { onKeyDown, onCompositionEnd } = useImeEnter(done, modEnter)
  useEffect(() => {
    const element = field.current
    if (element === null) return undefined
    const [before, message] = [document.activeElement, element.closest('article')]
    element.focus()
    element.setSelectionRange(element.value.length, element.value.length)
    return () => {
      // Where one came from, else to the message: the button that was pressed is made anew.
      if (document.activeElement !== document.body && document.activeElement !== null) return
      const next = before !== document.body && before?.isConnected === true ? before : message
      if (next instanceof HTMLElement) next.focus({ preventScroll: true })
    }
  }, [])
  return (
    <div className="w-full rounded-lg border border-line-strong/60 bg-surface p-2 focus-within:border-accent-ink">
      <textarea
        ref={field}
        value={text}
        aria-label={t('edit.label')}
        onChange={(event) => setText(event.target.value)}
        onCompositionEnd={onCompositionEnd}
        onKeyDown={(event) => {
          if (event.key === 'Escape' && !event.nativeEvent.isComposing) {
            event.stopPropagation()
            onCancel()
          } else onKeyDown(event)
        }}
        className="field-sizing-content max-h-[60dvh] min-h-16 w-full resize-none bg-transparent px-1.5 py-1 text-md outline-none"
      />
      <div className="flex flex-wrap justify-end gap-2 pt-1">
        <Button size="sm" variant="ghost" onClick={onCancel}>
          {t('edit.cancel')}
        </Button>
        <Button size="sm" variant={isUser ? 'secondary' : 'primary'} disabled={isEmpty} onClick={() => onSave(text)}>
          {t('edit.save')}
        </Button>
        {isUser && (
          <Button size="sm" variant="primary" disabled={isEmpty} onClick={() => onBranch(text)}>
            {t('edit.branch')}
          </Button>
        )}
      </div>
    </div>
  )
}
