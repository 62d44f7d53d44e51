import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { authStatus, may } from '@/api/auth'
import { api, data } from '@/api/client'
import { keys } from '@/api/keys'
import { Alert } from '@/components/ui/Alert'
import { Button } from '@/components/ui/Button'
import { Dialog } from '@/components/ui/Dialog'
import { Field } from '@/components/ui/Field'
import { Refusal } from '@/components/ui/Refusal'
import { guideKey, keyNeeded } from './key'

export interface KeyDialogProps {
  open: boolean
  onOpenChange: (open: boolean) => void
  /** Whether this server asks for a key already; the first one that is made changes that. */
  isNeeded: boolean
}

/** A key that one has, or a new one. */
export function KeyDialog({ open, onOpenChange, isNeeded }: KeyDialogProps) {
  const { t } = useTranslation('guide')
  return (
    <Dialog holds="input" open={open} onOpenChange={onOpenChange} title={t('keyTitle')} description={t('keyHelp')} size="sm">
      <Forms isNeeded={isNeeded} onDone={() => onOpenChange(false)} />
    </Dialog>
  )
}

function Forms({ isNeeded, onDone }: { isNeeded: boolean; onDone: () => void }) {
  const { t } = useTranslation('guide')
  const cache = useQueryClient()
  const { data: status } = useQuery(authStatus)
  // Keys belong to an account.
  const mayMake = status?.authenticated === true && may(status, 'member')
  const [pasted, setPasted] = useState('')
  const [name, setName] = useState(t('keyNameOf'))
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const take = (key: string) => {
    guideKey.setState(key, true)
    onDone()
  }
  const make = async () => {
    setBusy(true)
    setError(undefined)
    try {
      const { key } = await data(api.POST('/api/v1/keys', { body: { name: name.trim() } }))
      void cache.invalidateQueries({ queryKey: keys.apiKeys })
      void cache.invalidateQueries({ queryKey: keyNeeded.queryKey })
      take(key)
    } catch (failure) {
      setError(failure)
    } finally {
      setBusy(false)
    }
  }
  return (
    <div className="flex flex-col gap-5 pb-2">
      <form
        className="flex flex-col gap-2"
        onSubmit={(event) => {
          event.preventDefault()
          if (pasted.trim() !== '') take(pasted.trim())
        }}
      >
        <Field label={t('keyPaste')} type="password" autoComplete="off" value={pasted} onValueChange={setPasted} />
        <Button type="submit" variant="primary" disabled={pasted.trim() === ''} className="self-end">
          {t('keyTake')}
        </Button>
      </form>
      {mayMake && (
        <form
          className="flex flex-col gap-2 border-t border-line pt-4"
          onSubmit={(event) => {
            event.preventDefault()
            void make()
          }}
        >
          <Field
            label={t('keyName')}
            maxLength={128}
            value={name}
            onValueChange={setName}
            description={t('keyMadeHelp')}
          />
          {!isNeeded && <Alert tone="warn">{t('keyFirst')}</Alert>}
          {error !== undefined && <Alert tone="bad"><Refusal error={error} /></Alert>}
          <Button type="submit" busy={busy} disabled={name.trim() === ''} className="self-end">
            {t('keyMake')}
          </Button>
        </form>
      )}
    </div>
  )
}
