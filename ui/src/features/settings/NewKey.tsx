import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, asApiError, data } from '@/api/client'
import { keys } from '@/api/keys'
import { Alert } from '@/components/ui/Alert'
import { Button } from '@/components/ui/Button'
import { Checkbox } from '@/components/ui/Checkbox'
import { Dialog } from '@/components/ui/Dialog'
import { Field } from '@/components/ui/Field'
import { SecretBox } from '@/components/ui/SecretBox'
import { Select } from '@/components/ui/Select'
import type { Role } from './KeyList'
import { LIMITS, type Limit } from './usage'

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
  const [name, setName] = useState('')
  const [own, setOwn] = useState<Role>(role === 'viewer' ? 'viewer' : 'member')
  const [models, setModels] = useState('')
  const [days, setDays] = useState('')
  const [readOnly, setReadOnly] = useState(false)
  const [limits, setLimits] = useState<Partial<Record<Limit, string>>>({})
  const make = useMutation({
    mutationFn: () =>
      data(
        api.POST('/api/v1/keys', {
          body: {
            name: name.trim(),
            role: own,
            models: models.split(',').map((one) => one.trim()).filter(Boolean),
            read_only: readOnly,
            days: days.trim() === '' ? null : Number(days),
            limits: Object.fromEntries(LIMITS.flatMap((one) => ((limits[one] ?? '').trim() === '' ? [] : [[one, Number(limits[one])]]))),
          },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.apiKeys }),
  })
  const change = (next: boolean) => {
    if (!next) {
      setName('')
      setModels('')
      setDays('')
      setLimits({})
      setReadOnly(false)
      make.reset()
    }
    onOpenChange(next)
  }
  return (
    <Dialog
      open={open}
      onOpenChange={change}
      title={ts('keys.make')}
      footer={
        make.data === undefined ? (
          <>
            <Button onClick={() => change(false)}>{t('action.cancel')}</Button>
            <Button variant="primary" busy={make.isPending} disabled={name.trim() === ''} onClick={() => make.mutate()}>
              {ts('keys.submit')}
            </Button>
          </>
        ) : (
          <Button variant="primary" onClick={() => change(false)}>
            {t('action.done')}
          </Button>
        )
      }
    >
      {make.data !== undefined ? (
        <SecretBox label={ts('keys.once')} secret={make.data.key} />
      ) : (
        <div className="grid gap-3 pb-1 sm:grid-cols-2">
          <Field label={ts('keys.name')} description={ts('keys.nameHelp')} maxLength={128} value={name} onValueChange={setName} />
          <Select
            label={ts('keys.role')}
            value={own}
            onValueChange={setOwn}
            choices={ROLES.slice(0, ROLES.indexOf(role) + 1).map((value) => ({ value, label: ts(`roles.${value}`) }))}
          />
          <Field label={ts('keys.models')} description={ts('keys.modelsHelp')} spellCheck={false} value={models} onValueChange={setModels} />
          <Field label={ts('keys.days')} description={ts('keys.daysHelp')} inputMode="decimal" value={days} onValueChange={setDays} />
          <fieldset className="grid gap-3 sm:col-span-2 sm:grid-cols-3">
            <legend className="mb-1 text-sm font-medium">
              {ts('keys.limits')} <span className="font-normal text-ink-3">{ts('keys.limitsHelp')}</span>
            </legend>
            {LIMITS.map((one) => (
              <Field key={one} label={ts(`keys.${one}`)} inputMode="numeric" value={limits[one] ?? ''} onValueChange={(text) => setLimits({ ...limits, [one]: text })} />
            ))}
          </fieldset>
          <Checkbox label={ts('keys.readOnly')} checked={readOnly} onCheckedChange={setReadOnly} />
          {make.error !== null && (
            <Alert tone="bad" className="sm:col-span-2">
              {asApiError(make.error).message}
            </Alert>
          )}
        </div>
      )}
    </Dialog>
  )
}
