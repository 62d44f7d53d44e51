import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/Button'
import { Dialog } from '@/components/ui/Dialog'
import { Field } from '@/components/ui/Field'
import { useImeEnter } from '@/hooks/ime-enter'

/** Asks for a name. */
export function NameDialog(props: {
  open: boolean
  onClose: () => void
  title: string
  label: string
  value: string
  onSave: (name: string) => void
}) {
  return (
    <Dialog open={props.open} onOpenChange={(next) => !next && props.onClose()} title={props.title} size="sm">
      <NameForm {...props} />
    </Dialog>
  )
}

function NameForm({ label, value, onSave, onClose }: { label: string; value: string; onSave: (name: string) => void; onClose: () => void }) {
  const { t } = useTranslation()
  const [name, setName] = useState(value)
  const save = () => {
    if (name.trim() === '') return
    onSave(name.trim())
    onClose()
  }
  const { onKeyDown, onCompositionEnd } = useImeEnter(save)
  return (
    <div className="flex flex-col gap-3 pb-1">
      <Field label={label} value={name} onValueChange={setName} maxLength={100} onKeyDown={onKeyDown} onCompositionEnd={onCompositionEnd} onFocus={(event) => event.target.select()} />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{t('action.cancel')}</Button>
        <Button variant="primary" disabled={name.trim() === ''} onClick={save}>
          {t('action.save')}
        </Button>
      </div>
    </div>
  )
}
