import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { Badge } from '@/components/ui/Badge'
import { Button } from '@/components/ui/Button'
import { Card } from '@/components/ui/Card'
import { ConfirmDialog } from '@/components/ui/ConfirmDialog'
import { EmptyState } from '@/components/ui/EmptyState'
import { Fetched } from '@/components/ui/Fetched'
import { ago, day, dotted } from '@/i18n/format'
import { programOf } from './program'

export function SessionList() {
  const { t } = useTranslation('settings')
  const client = useQueryClient()
  const [ending, setEnding] = useState<Schemas['SessionObject']>()
  const query = useQuery({ queryKey: keys.sessions, queryFn: () => data(api.GET('/api/v1/sessions')) })
  return (
    <Card title={t('sessions.title')} description={t('sessions.intro')}>
      <Fetched query={query}>
        {(sessions) => (
          sessions.data.length === 0 ? (
            <EmptyState title={t('sessions.empty')} />
          ) : (
            <ul>
              {sessions.data.map((session) => (
                <li key={session.id} className="flex items-center gap-3 border-b border-line py-2.5 first:pt-0 last:border-0 last:pb-0">
                  <div className="min-w-0 flex-1">
                    <p className="flex flex-wrap items-center gap-2 font-medium">
                      {programOf(session.agent) ?? t('sessions.unknown')}
                      {session.current && <Badge tone="good">{t('sessions.here')}</Badge>}
                    </p>
                    <p className="text-sm text-ink-3">
                      {dotted([session.address, t('sessions.used', { when: ago(session.used) }), t('sessions.since', { when: day(session.created) })])}
                    </p>
                  </div>
                  {!session.current && (
                    <Button size="sm" onClick={() => setEnding(session)}>
                      {t('sessions.end')}
                    </Button>
                  )}
                </li>
              ))}
            </ul>
          )
        )}
      </Fetched>
      <ConfirmDialog
        open={ending !== undefined}
        onOpenChange={() => setEnding(undefined)}
        title={t('sessions.endTitle')}
        description={t('sessions.endHelp', { agent: programOf(ending?.agent ?? '') ?? t('sessions.unknown'), address: ending?.address ?? '' })}
        action={t('sessions.end')}
        onConfirm={async () => {
          await api.DELETE('/api/v1/sessions/{id}', { params: { path: { id: ending?.id ?? '' } } })
          await client.invalidateQueries({ queryKey: keys.sessions })
        }}
      />
    </Card>
  )
}
