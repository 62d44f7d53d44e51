import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Navigate, useRouter } from '@tanstack/react-router'
import { useEffect, useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { authStatus } from '@/api/auth'
import { api, asApiError, type ApiError } from '@/api/client'
import { isSomebodyElse } from '@/app/session'
import { Alert } from '@/components/ui/Alert'
import { Button } from '@/components/ui/Button'
import { Field } from '@/components/ui/Field'
import { Refusal } from '@/components/ui/Refusal'
import { duration } from '@/i18n/format'
import { destination, entered } from './enter'
import { Frame } from './Frame'
import { PasswordField } from './PasswordField'
import { useCountdown } from './use-countdown'
import './texts'

const route = getRouteApi('/login')

export function LoginPage() {
  const { t } = useTranslation('auth')
  const { next } = route.useSearch()
  const router = useRouter()
  const client = useQueryClient()
  const { data: status } = useQuery(authStatus)
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError>()
  const { left, start } = useCountdown()
  const locked = left > 0
  const inside = status?.authenticated === true && !busy
  useEffect(() => {
    if (inside) router.history.replace(destination(next))
  }, [inside, router, next])
  useEffect(() => {
    document.title = `${t('login.title')} · Dovetail`
  }, [t])
  if (status?.setup_required === true) return <Navigate to="/setup" replace />

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setError(undefined)
    try {
      await api.POST('/auth/login', { body: { name, password } })
      if (isSomebodyElse(name)) {
        location.replace(destination(next))
        return
      }
      await entered(client)
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
    <Frame title={t('login.title')} intro={next === undefined ? undefined : t('login.onward')}>
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <Field label={t('login.name')} name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} required value={name} onValueChange={setName} />
        <PasswordField label={t('login.password')} name="password" autoComplete="current-password" required value={password} onValueChange={setPassword} />
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
          {t('login.forgotten')} <code className="font-mono text-ink-2">dovetail admin reset</code>
        </p>
      </form>
    </Frame>
  )
}
