import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, data } from '@/api/client'
import { keys } from '@/api/keys'
import { Alert } from '@/components/ui/Alert'
import { Button } from '@/components/ui/Button'
import { Checkbox } from '@/components/ui/Checkbox'
import { Dialog } from '@/components/ui/Dialog'
import { Field } from '@/components/ui/Field'
import { Refusal } from '@/components/ui/Refusal'
import { SecretBox } from '@/components/ui/SecretBox'
import { Select } from '@/components/ui/Select'
import { bodyOf, problemsOf, type KeyForm } from './key-form'
import type { Role } from './KeyList'
import { LIMITS } from './usage'

const ROLES: readonly Role[] = ['viewer', 'member', 'admin']

interface NewKeyProps {
  open: boolean
  onOpenChange: (open: boolean) => void
  role: Role
}

/** A key to be made, and then shown this once. */
export function NewKey({ open, onOpenChange, role }: NewKeyProps) {
  const { t } = useTranslation()
  const { t: ts } = useTranslation('settings')
  const client = useQueryClient()
  const id = useId()
  const fresh: KeyForm = { name: '', role: role === 'viewer' ? 'viewer' : 'member', models: '', days: '', isReadOnly: false, limits: {} }
  const [form, setForm] = useState(fresh)
  const problems = problemsOf(form)
  const make = useMutation({
    mutationFn: () => data(api.POST('/api/v1/keys', { body: bodyOf(form) })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.apiKeys }),
  })
  const change = (more: Partial<KeyForm>) => setForm((before) => ({ ...before, ...more }))
  const close = () => {
    setForm(fresh)
    make.reset()
    onOpenChange(false)
  }
  // A key that is being made is shown once: whoever closes the dialog meanwhile would never see it.
  const holds = make.isPending || make.data !== undefined ? 'secret' : 'input'
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && !make.isPending && close()}
      holds={holds}
      title={ts('keys.make')}
      footer={
        make.data === undefined ? (
          <>
            <Button disabled={make.isPending} onClick={close}>
              {t('action.cancel')}
            </Button>
            <Button type="submit" form={id} variant="primary" busy={make.isPending} disabled={form.name.trim() === '' || problems.length > 0}>
              {ts('keys.submit')}
            </Button>
          </>
        ) : (
          <Button variant="primary" onClick={close}>
            {t('action.done')}
          </Button>
        )
      }
    >
      {make.data !== undefined ? (
        <SecretBox label={ts('keys.once')} secret={make.data.key} />
      ) : (
        <form
          id={id}
          className="grid gap-3 pb-1 sm:grid-cols-2"
          onSubmit={(event) => {
            event.preventDefault()
            if (!make.isPending) make.mutate()
          }}
        >
          <Field label={ts('keys.name')} description={ts('keys.nameHelp')} maxLength={128} value={form.name} onValueChange={(name) => change({ name })} />
          <Select
            label={ts('keys.role')}
            value={form.role}
            onValueChange={(next) => change({ role: next })}
            choices={ROLES.slice(0, ROLES.indexOf(role) + 1).map((value) => ({ value, label: ts(`roles.${value}`) }))}
          />
          <Field label={ts('keys.models')} description={ts('keys.modelsHelp')} spellCheck={false} value={form.models} onValueChange={(models) => change({ models })} />
          <Field
            label={ts('keys.days')}
            description={ts('keys.daysHelp')}
            error={problems.includes('days') ? ts('keys.daysMistake') : undefined}
            inputMode="decimal"
            value={form.days}
            onValueChange={(days) => change({ days })}
          />
          <fieldset className="grid gap-3 sm:col-span-2 sm:grid-cols-3">
            <legend className="mb-1 text-sm font-medium">
              {ts('keys.limits')} <span className="font-normal text-ink-3">{ts('keys.limitsHelp')}</span>
            </legend>
            {LIMITS.map((one) => (
              <Field
                key={one}
                label={ts(`keys.${one}`)}
                error={problems.includes(one) ? ts('keys.mistake') : undefined}
                inputMode="numeric"
                value={form.limits[one] ?? ''}
                onValueChange={(text) => change({ limits: { ...form.limits, [one]: text } })}
              />
            ))}
          </fieldset>
          <Checkbox label={ts('keys.readOnly')} checked={form.isReadOnly} onCheckedChange={(isReadOnly) => change({ isReadOnly })} />
          {make.error !== null && (
            <Alert tone="bad" className="sm:col-span-2">
              <Refusal error={make.error} />
            </Alert>
          )}
        </form>
      )}
    </Dialog>
  )
}
