import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, data } from '@/api/client'
import { keys } from '@/api/keys'
import { Alert } from '@/components/ui/Alert'
import { Button } from '@/components/ui/Button'
import { Card } from '@/components/ui/Card'
import { ConfirmDialog } from '@/components/ui/ConfirmDialog'
import { Fetched } from '@/components/ui/Fetched'
import { toast } from '@/components/ui/Toast'
import { moment } from '@/i18n/format'
import { useStandingPart } from '@/realtime/hub'

const MINUTES = 10

/** Whether everybody's prompts are written down now, and a switch for it. */
export function Capture() {
  const { t } = useTranslation('settings')
  const client = useQueryClient()
  const [asking, setAsking] = useState(false)
  const query = useQuery({ queryKey: keys.capture, queryFn: () => data(api.GET('/api/v1/capture')) })
  const again = () => client.invalidateQueries({ queryKey: keys.capture })
  // It ends by itself, or by another admin.
  const isOn = useStandingPart('metrics', ({ metrics }) => metrics?.capture)
  useEffect(() => {
    if (isOn !== undefined) void client.invalidateQueries({ queryKey: keys.capture })
  }, [client, isOn])
  const end = async () => {
    try {
      await api.DELETE('/api/v1/capture')
    } catch (failure) {
      toast.failure(failure)
    }
    await again()
  }
  return (
    <Card title={t('data.capture')} description={t('data.captureHelp')}>
      <Fetched query={query}>
        {(capture) => (
          capture.on ? (
            <Alert
              tone="warn"
              actions={
                <Button size="sm" onClick={() => void end()}>
                  {t('data.captureEnd')}
                </Button>
              }
            >
              {t('data.captureOn', { when: moment(capture.until ?? 0), path: capture.path ?? '' })}
            </Alert>
          ) : (
            <Button onClick={() => setAsking(true)}>{t('data.captureBegin', { minutes: MINUTES })}</Button>
          )
        )}
      </Fetched>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={t('data.captureTitle')}
        description={t('data.captureConfirm', { minutes: MINUTES })}
        action={t('data.captureBegin', { minutes: MINUTES })}
        onConfirm={async () => {
          await api.POST('/api/v1/capture', { body: { minutes: MINUTES } })
          await again()
        }}
      />
    </Card>
  )
}
