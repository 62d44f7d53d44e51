import { useState, type FormEvent, type RefObject } from 'react'
import { useTranslation } from 'react-i18next'
import { api, asApiError, type ApiError } from '@/api/client'
import { Alert } from '@/components/ui/Alert'
import { Button } from '@/components/ui/Button'
import { Field } from '@/components/ui/Field'
import { Refusal } from '@/components/ui/Refusal'
import { duration } from '@/i18n/format'
import { PasswordField } from './PasswordField'
import { useCountdown } from './use-countdown'
import './texts'

export interface LoginFormProps {
  /** Who was here before, and may go on. */
  before?: string | undefined
  passwordRef?: RefObject<HTMLInputElement | null>
  /** What comes behind the login; the form is busy until it is done. */
  onEntered: (name: string) => Promise<void>
}

/** Name and password; after too many guesses it counts down. */
export function LoginForm({ before, passwordRef, onEntered }: LoginFormProps) {
  const { t } = useTranslation('auth')
  const [name, setName] = useState(before ?? '')
  const [password, setPassword] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError>()
  const { left, start } = useCountdown()
  const locked = left > 0
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setError(undefined)
    try {
      await api.POST('/auth/login', { body: { name, password } })
      await onEntered(name)
    } catch (failure) {
      const found = asApiError(failure)
      if (found.status === 429) start(found.retryAfter ?? 1)
      setError(found)
      if (found.status === 401) setPassword('')
    } finally {
      setBusy(false)
    }
  }
  return (
    <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
      <Field
        label={t('login.name')}
        description={before === undefined || before === name ? undefined : t('login.other')}
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        required
        value={name}
        onValueChange={setName}
      />
      <PasswordField ref={passwordRef} label={t('login.password')} name="password" autoComplete="current-password" required value={password} onValueChange={setPassword} />
      {locked ? (
        <Alert tone="warn">
          <span role="timer">{t('login.locked', { time: duration(left) })}</span>
        </Alert>
      ) : (
        error !== undefined && error.status !== 429 && <Alert tone="bad"><Refusal error={error} /></Alert>
      )}
      <Button type="submit" variant="primary" size="lg" busy={busy} disabled={locked}>
        {t('login.submit')}
      </Button>
      <p className="text-xs text-ink-3">
        {t('login.forgotten')} <code className="font-mono whitespace-nowrap text-ink-2">dovetail admin reset</code>
      </p>
    </form>
  )
}
