import { useQuery, useQueryClient } from '@tanstack/react-query'
import { KeyRound, Plus } from 'lucide-react'
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
import { Table } from '@/components/ui/Table'
import { ago, day, number } from '@/i18n/format'
import { NewKey } from './NewKey'
import { isExpired, limitsOf, usageOf } from './usage'

type Key = Schemas['KeyObject']
export type Role = Key['role']

export function KeyList({ role }: { role: Role }) {
  const { t } = useTranslation('settings')
  const client = useQueryClient()
  const [making, setMaking] = useState(false)
  const [revoking, setRevoking] = useState<Key>()
  const query = useQuery({
    queryKey: keys.apiKeys,
    queryFn: () => data(api.GET('/api/v1/keys')),
  })
  const make = (
    <Button variant="primary" onClick={() => setMaking(true)}>
      <Plus />
      {t('keys.make')}
    </Button>
  )
  return (
    <Card title={t('keys.title')} description={t('keys.intro')} actions={make}>
      <Fetched query={query}>
        {(found) => (
          <Table
            caption={t('keys.title')}
            rows={found.data}
            rowKey={(key) => key.id}
            empty={
              <EmptyState icon={<KeyRound />} title={t('keys.empty')}>
                {t('keys.emptyHelp')}
              </EmptyState>
            }
            columns={[
              {
                key: 'name',
                head: t('keys.name'),
                cell: (key) => (
                  <>
                    <p className="font-medium">{key.name}</p>
                    <p className="font-mono text-xs text-ink-3">{key.prefix}…</p>
                  </>
                ),
              },
              {
                key: 'role',
                head: t('keys.role'),
                cell: (key) => (
                  <span className="flex flex-wrap gap-1">
                    <Badge>{t(`roles.${key.role}`)}</Badge>
                    {key.read_only && <Badge>{t('keys.readOnly')}</Badge>}
                    {key.expires !== null && <Expiry at={key.expires} />}
                  </span>
                ),
              },
              {
                key: 'limits',
                head: t('keys.limits'),
                cell: (key) => {
                  const limits = limitsOf(key)
                  return <span className="text-sm text-ink-2">{limits.length === 0 ? t('keys.noLimits') : limits.map(([name, most]) => `${t(`keys.${name}`)} ${number(most)}`).join(', ')}</span>
                },
              },
              {
                key: 'usage',
                head: t('keys.usage'),
                numeric: true,
                cell: (key) => {
                  const used = usageOf(key)
                  return (
                    <span className="text-sm whitespace-nowrap">
                      {t('keys.calls', { count: used.requests, formatted: number(used.requests) })}
                      <span className="block text-xs text-ink-3">{t('keys.tokens', { count: used.tokens, formatted: number(used.tokens) })}</span>
                    </span>
                  )
                },
              },
              {
                key: 'used',
                head: t('keys.used'),
                cell: (key) => <span className="text-sm whitespace-nowrap text-ink-2">{key.used === null ? t('keys.never') : ago(key.used)}</span>,
              },
              {
                key: 'revoke',
                head: <span className="sr-only">{t('keys.revoke')}</span>,
                numeric: true,
                cell: (key) => (
                  <Button size="sm" variant="quiet" onClick={() => setRevoking(key)}>
                    {t('keys.revoke')}
                  </Button>
                ),
              },
            ]}
          />
        )}
      </Fetched>
      <NewKey open={making} onOpenChange={setMaking} role={role} />
      <ConfirmDialog
        open={revoking !== undefined}
        onOpenChange={() => setRevoking(undefined)}
        title={t('keys.revokeTitle', { name: revoking?.name ?? '' })}
        description={t('keys.revokeHelp')}
        action={t('keys.revoke')}
        onConfirm={async () => {
          await api.DELETE('/api/v1/keys/{id}', { params: { path: { id: revoking?.id ?? '' } } })
          await client.invalidateQueries({ queryKey: keys.apiKeys })
        }}
      />
    </Card>
  )
}

function Expiry({ at }: { at: number }) {
  const { t } = useTranslation('settings')
  const isOver = isExpired(at)
  return <Badge tone={isOver ? 'bad' : 'warn'}>{t(isOver ? 'keys.expired' : 'keys.expires', { when: day(at) })}</Badge>
}
