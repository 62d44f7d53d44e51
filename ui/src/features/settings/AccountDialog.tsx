import { useMutation } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api } from '@/api/client'
import { Alert } from '@/components/ui/Alert'
import { Button } from '@/components/ui/Button'
import { Dialog } from '@/components/ui/Dialog'
import { Field } from '@/components/ui/Field'
import { Refusal } from '@/components/ui/Refusal'
import { Select } from '@/components/ui/Select'

const ROLES = ['viewer', 'member', 'admin'] as const

interface AccountDialogProps {
  open: boolean
  onOpenChange: (open: boolean) => void
  onDone: () => Promise<unknown>
  /** The account that gets another password; without one, an account is made. */
  name?: string | undefined
}

export function AccountDialog({ open, onOpenChange, onDone, name }: AccountDialogProps) {
  const { t } = useTranslation()
  const { t: ts } = useTranslation('settings')
  const id = useId()
  const [own, setOwn] = useState('')
  const [password, setPassword] = useState('')
  const [role, setRole] = useState<(typeof ROLES)[number]>('member')
  const change = (next: boolean) => {
    setOwn('')
    setPassword('')
    save.reset()
    onOpenChange(next)
  }
  const save = useMutation({
    mutationFn: async () => {
      if (name === undefined) await api.POST('/api/v1/users', { body: { name: own.trim(), password, role } })
      else await api.PATCH('/api/v1/users/{name}', { params: { path: { name } }, body: { password } })
      await onDone()
    },
    onSuccess: () => change(false),
  })
  return (
    <Dialog
      open={open}
      onOpenChange={change}
      size="sm"
      holds="input"
      title={name === undefined ? ts('users.make') : ts('users.resetTitle', { name })}
      description={name === undefined ? undefined : ts('users.resetHelp')}
      footer={
        <>
          <Button onClick={() => change(false)}>{t('action.cancel')}</Button>
          <Button type="submit" form={id} variant="primary" busy={save.isPending} disabled={password.length < 8 || (name === undefined && own.trim() === '')}>
            {name === undefined ? ts('users.submit') : ts('users.reset')}
          </Button>
        </>
      }
    >
      <form
        id={id}
        className="flex flex-col gap-3 pb-1"
        onSubmit={(event) => {
          event.preventDefault()
          if (!save.isPending) save.mutate()
        }}
      >
        {name === undefined && <Field label={ts('users.name')} autoComplete="off" spellCheck={false} value={own} onValueChange={setOwn} />}
        <Field label={ts('users.password')} type="password" autoComplete="new-password" description={ts('password.short')} value={password} onValueChange={setPassword} />
        {name === undefined && <Select label={ts('users.role')} value={role} onValueChange={setRole} choices={ROLES.map((value) => ({ value, label: ts(`roles.${value}`) }))} />}
        {save.error !== null && <Alert tone="bad"><Refusal error={save.error} /></Alert>}
      </form>
    </Dialog>
  )
}
