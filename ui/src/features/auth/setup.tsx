import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Navigate, useNavigate } from '@tanstack/react-router'
import { useEffect, useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { authStatus } from '@/api/auth'
import { api, asApiError, type ApiError } from '@/api/client'
import { keys } from '@/api/keys'
import { skipSetup } from '@/app/setup'
import { Alert } from '@/components/ui/Alert'
import { Button } from '@/components/ui/Button'
import { Field } from '@/components/ui/Field'
import { Refusal } from '@/components/ui/Refusal'
import { Progress } from '@/components/ui/Progress'
import { entered } from './enter'
import { Frame } from './Frame'
import { focusMistake } from './mistakes'
import { PasswordField } from './PasswordField'
import { SetupDone } from './SetupDone'
import { strength } from './strength'
import './texts'

const SHARES = { weak: 25, fair: 60, strong: 100 }
const TONES = { weak: 'bad', fair: 'warn', strong: 'good' } as const

/** Refusals that stand at the field they are about. */
const FIELD_OF: Readonly<Record<string, string>> = { setup_code: 'setup-code', bad_name: 'username', weak_password: 'new-password' }

export function SetupPage() {
  const { t } = useTranslation('auth')
  const { data: status } = useQuery(authStatus)
  const [made, setMade] = useState<string>()
  useEffect(() => {
    document.title = `${t('setup.title')} · Dovetail`
  }, [t])
  if (made !== undefined) return <SetupDone name={made} />
  if (status?.setup_required === false) return <Navigate to="/" replace />
  return <Account needsCode={status?.setup_needs_code === true} onMade={setMade} />
}

function Account({ needsCode, onMade }: { needsCode: boolean; onMade: (name: string) => void }) {
  const { t } = useTranslation('auth')
  const navigate = useNavigate()
  const client = useQueryClient()
  const [name, setName] = useState('admin')
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  const [code, setCode] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError>()
  const [tried, setTried] = useState(false)
  // In the order they stand in.
  const mistakes = {
    'setup-code': needsCode && code.trim() === '' ? t('setup.codeless') : undefined,
    username: name.trim() === '' ? t('setup.nameless') : undefined,
    'new-password': password.length < 8 ? t('setup.short') : undefined,
    'new-password-again': again === password ? undefined : t('setup.different'),
  }
  const refusedAt = error === undefined ? undefined : FIELD_OF[error.code]
  const wrongAt = (field: 'setup-code' | 'username' | 'new-password') => (tried ? mistakes[field] : undefined) ?? (refusedAt === field ? error?.message : undefined)
  const level = strength(password)

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    setTried(true)
    const form = event.currentTarget
    if (focusMistake(form, mistakes)) return
    setBusy(true)
    setError(undefined)
    try {
      await api.POST('/auth/setup', { body: { name, password, ...(needsCode && { code: code.trim() }) } })
      onMade(name)
      await entered(client)
    } catch (failure) {
      const found = asApiError(failure)
      setError(found)
      const field = FIELD_OF[found.code]
      if (field !== undefined) focusMistake(form, { [field]: found })
      // Somebody was faster: the login is where to go on.
      if (found.code === 'already_set_up') await client.refetchQueries({ queryKey: keys.auth })
    } finally {
      setBusy(false)
    }
  }
  return (
    <Frame title={t('setup.title')} intro={t('setup.intro')}>
      <form noValidate onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        {needsCode && <Alert tone="warn">{t('setup.exposed')}</Alert>}
        {needsCode && (
          <Field
            label={t('setup.code')}
            description={t('setup.codeHelp')}
            error={wrongAt('setup-code')}
            name="setup-code"
            autoComplete="one-time-code"
            spellCheck={false}
            required
            value={code}
            onValueChange={setCode}
          />
        )}
        <Field label={t('setup.name')} description={t('setup.nameHelp')} error={wrongAt('username')} name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} required value={name} onValueChange={setName} />
        <PasswordField label={t('setup.password')} error={wrongAt('new-password')} name="new-password" autoComplete="new-password" required value={password} onValueChange={setPassword} />
        {password !== '' && <Progress label={t('setup.strength')} hideLabel aside={t(`setup.${level}`)} value={SHARES[level]} tone={TONES[level]} className="-mt-2" />}
        <PasswordField label={t('setup.again')} error={tried || again.length >= password.length ? mistakes['new-password-again'] : undefined} name="new-password-again" autoComplete="new-password" required value={again} onValueChange={setAgain} />
        {error !== undefined && refusedAt === undefined && <Alert tone="bad"><Refusal error={error} /></Alert>}
        <Button type="submit" variant="primary" size="lg" busy={busy}>
          {t('setup.submit')}
        </Button>
        {!needsCode && (
          <div className="border-t border-line pt-4">
            <Button
              className="w-full"
              onClick={() => {
                skipSetup()
                void navigate({ to: '/models', search: {} })
              }}
            >
              {t('setup.skip')}
            </Button>
            <p className="mt-2 text-xs text-ink-3">{t('setup.skipHelp')}</p>
          </div>
        )}
      </form>
    </Frame>
  )
}
