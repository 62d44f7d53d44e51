import { useState, type FormEvent, type RefObject } from 'react'
import { useTranslation } from 'react-i18next'
import { api, asApiError, type ApiError } from '@/api/client'
import { Alert } from '@/components/ui/Alert'
import { Button } from '@/components/ui/Button'
import { Checkbox } from '@/components/ui/Checkbox'
import { Field } from '@/components/ui/Field'
import { Refusal } from '@/components/ui/Refusal'
import { duration } from '@/i18n/format'
import { focusMistake } from './mistakes'
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

/** Name and password, and for how long; after too many guesses it counts down. */
export function LoginForm({ before, passwordRef, onEntered }: LoginFormProps) {
  const { t } = useTranslation('auth')
  const [name, setName] = useState(before ?? '')
  const [password, setPassword] = useState('')
  const [remember, setRemember] = useState(true)
  const [tried, setTried] = useState(false)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError>()
  const { left, start } = useCountdown()
  const locked = left > 0
  const mistakes = {
    username: name.trim() === '' ? t('login.nameless') : undefined,
    password: password === '' ? t('login.wordless') : undefined,
  }
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    const wrong = focusMistake(form, mistakes)
    setTried(wrong)
    if (wrong) return
    setBusy(true)
    setError(undefined)
    try {
      await api.POST('/auth/login', { body: { name, password, remember } })
      await onEntered(name)
    } catch (failure) {
      const found = asApiError(failure)
      if (found.status === 429) start(found.retryAfter ?? 1)
      setError(found)
      if (found.status === 401) {
        setPassword('')
        focusMistake(form, { password: found })
      }
    } finally {
      setBusy(false)
    }
  }
  return (
    <form noValidate onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
      <Field
        label={t('login.name')}
        description={before === undefined || before === name ? undefined : t('login.other')}
        error={tried ? mistakes.username : undefined}
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        required
        value={name}
        onValueChange={setName}
      />
      <PasswordField ref={passwordRef} label={t('login.password')} error={tried ? mistakes.password : undefined} name="password" autoComplete="current-password" required value={password} onValueChange={setPassword} />
      <Checkbox label={t('login.remember')} checked={remember} onCheckedChange={setRemember} />
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
