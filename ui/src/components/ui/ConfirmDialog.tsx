import { useRef, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Alert } from './Alert'
import { Button } from './Button'
import { Dialog } from './Dialog'
import { Field } from './Field'
import { Refusal } from './Refusal'
import { toast } from './Toast'

export interface ConfirmDialogProps {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: ReactNode
  description: ReactNode
  /** What the button says: the verb, not "OK". */
  action: string
  /** Closes the dialog when it is done; what it throws is shown in it, or as a toast where it has been closed meanwhile. */
  onConfirm: () => Promise<unknown>
  /** To be typed before it can be done, for what nothing brings back. */
  typed?: string
  typedLabel?: string
  danger?: boolean
  /** What the other button says, where it is not "Cancel". */
  dismissal?: string
}

export function ConfirmDialog({ open, onOpenChange, title, description, action, onConfirm, typed, typedLabel, danger = true, dismissal }: ConfirmDialogProps) {
  const { t } = useTranslation()
  const [busy, setBusy] = useState(false)
  const [said, setSaid] = useState('')
  const [error, setError] = useState<unknown>()
  const closed = useRef(false)
  const change = (next: boolean) => {
    setSaid('')
    setError(undefined)
    closed.current = !next
    onOpenChange(next)
  }
  const confirm = async () => {
    setBusy(true)
    setError(undefined)
    closed.current = false
    try {
      await onConfirm()
      if (!closed.current) change(false)
    } catch (failure) {
      if (closed.current) toast.failure(failure)
      else setError(failure)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog
      open={open}
      onOpenChange={change}
      title={title}
      description={description}
      size="sm"
      footer={
        <>
          <Button onClick={() => change(false)}>{dismissal ?? t('action.cancel')}</Button>
          <Button variant={danger ? 'danger' : 'primary'} busy={busy} disabled={typed !== undefined && said.trim() !== typed} onClick={() => void confirm()}>
            {action}
          </Button>
        </>
      }
    >
      {typed !== undefined && <Field label={typedLabel ?? typed} value={said} onValueChange={setSaid} autoComplete="off" spellCheck={false} />}
      {error !== undefined && <Alert tone="bad"><Refusal error={error} /></Alert>}
    </Dialog>
  )
}
