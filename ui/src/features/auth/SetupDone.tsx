import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { KeyRound } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { api, data } from '@/api/client'
import { Alert } from '@/components/ui/Alert'
import { Button } from '@/components/ui/Button'
import { Refusal } from '@/components/ui/Refusal'
import { SecretBox } from '@/components/ui/SecretBox'
import { Frame } from './Frame'
import './texts'

/** After the account: a key for programs, for who wants one now. */
export function SetupDone({ name }: { name: string }) {
  const { t } = useTranslation('auth')
  const navigate = useNavigate()
  const make = useMutation({ mutationFn: () => data(api.POST('/api/v1/keys', { body: { name: t('setup.keyName') } })) })
  return (
    <Frame title={t('setup.done')} intro={t('setup.doneIntro', { name })}>
      <div className="flex flex-col gap-4">
        <section className="rounded-lg border border-line p-3.5">
          <h2 className="flex items-center gap-2 font-medium">
            <KeyRound aria-hidden="true" className="size-4 text-ink-3" />
            {t('setup.key')}
          </h2>
          <p className="mt-1 mb-3 text-sm text-ink-2">{t('setup.keyHelp')}</p>
          {make.data === undefined ? (
            <Button busy={make.isPending} onClick={() => make.mutate()}>
              {t('setup.keyMake')}
            </Button>
          ) : (
            <SecretBox label={t('setup.keyOnce')} secret={make.data.key} />
          )}
          {make.error !== null && <Alert tone="bad"><Refusal error={make.error} /></Alert>}
        </section>
        <Button variant="primary" size="lg" onClick={() => void navigate({ to: '/models', search: {} })}>
          {t('setup.next')}
        </Button>
      </div>
    </Frame>
  )
}
