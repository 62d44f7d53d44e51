import { useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { asApiError } from '@/api/client'
import { Alert } from './Alert'
import { Button } from './Button'
import { Dialog } from './Dialog'
import { Field } from './Field'

export interface ConfirmDialogProps {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: ReactNode
  description: ReactNode
  /** What the button says: the verb, not "OK". */
  action: string
  /** Closes the dialog when it is done; what it throws is shown in it. */
  onConfirm: () => Promise<unknown>
  /** To be typed before it can be done, for what nothing brings back. */
  typed?: string
  typedLabel?: string
  danger?: boolean
}

export function ConfirmDialog({ open, onOpenChange, title, description, action, onConfirm, typed, typedLabel, danger = true }: ConfirmDialogProps) {
  const { t } = useTranslation()
  const [busy, setBusy] = useState(false)
  const [said, setSaid] = useState('')
  const [error, setError] = useState<string>()
  const change = (next: boolean) => {
    setSaid('')
    setError(undefined)
    onOpenChange(next)
  }
  const confirm = async () => {
    setBusy(true)
    setError(undefined)
    try {
      await onConfirm()
      change(false)
    } catch (failure) {
      setError(asApiError(failure).message)
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
          <Button onClick={() => change(false)}>{t('action.cancel')}</Button>
          <Button variant={danger ? 'danger' : 'primary'} busy={busy} disabled={typed !== undefined && said.trim() !== typed} onClick={() => void confirm()}>
            {action}
          </Button>
        </>
      }
    >
      {typed !== undefined && <Field label={typedLabel ?? typed} value={said} onValueChange={setSaid} autoComplete="off" spellCheck={false} />}
      {error !== undefined && <Alert tone="bad">{error}</Alert>}
    </Dialog>
  )
}
