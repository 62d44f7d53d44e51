import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api } from '@/api/client'
import { keys } from '@/api/keys'
import { Alert } from '@/components/ui/Alert'
import { Button } from '@/components/ui/Button'
import { Card } from '@/components/ui/Card'
import { Field } from '@/components/ui/Field'
import { Refusal } from '@/components/ui/Refusal'

export function Password() {
  const { t } = useTranslation('settings')
  const client = useQueryClient()
  const [now, setNow] = useState('')
  const [next, setNext] = useState('')
  const change = useMutation({
    mutationFn: () => api.POST('/auth/password', { body: { password: now, new_password: next } }),
    onSuccess: () => {
      setNow('')
      setNext('')
      void client.invalidateQueries({ queryKey: keys.sessions })
    },
  })
  return (
    <Card title={t('password.title')} description={t('password.intro')}>
      <form
        className="flex max-w-sm flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault()
          change.mutate()
        }}
      >
        <Field label={t('password.now')} type="password" autoComplete="current-password" required value={now} onValueChange={setNow} />
        <Field label={t('password.next')} type="password" autoComplete="new-password" required minLength={8} description={t('password.short')} value={next} onValueChange={setNext} />
        {change.error !== null && <Alert tone="bad"><Refusal error={change.error} /></Alert>}
        {change.isSuccess && <Alert tone="good">{t('password.done')}</Alert>}
        <Button type="submit" className="self-start" busy={change.isPending} disabled={now === '' || next.length < 8}>
          {t('password.submit')}
        </Button>
      </form>
    </Card>
  )
}
