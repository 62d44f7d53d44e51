import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, data, type Schemas } from '@/api/client'
import { keys } from '@/api/keys'
import { Badge } from '@/components/ui/Badge'
import { Button } from '@/components/ui/Button'
import { Card } from '@/components/ui/Card'
import { ConfirmDialog } from '@/components/ui/ConfirmDialog'
import { Fetched } from '@/components/ui/Fetched'
import { Select } from '@/components/ui/Select'
import { toast } from '@/components/ui/Toast'
import { day } from '@/i18n/format'
import { AccountDialog } from './AccountDialog'

type User = Schemas['UserObject']
const ROLES = ['viewer', 'member', 'admin'] as const

export function UserList({ self }: { self: string }) {
  const { t } = useTranslation('settings')
  const client = useQueryClient()
  const [making, setMaking] = useState(false)
  const [removing, setRemoving] = useState<string>()
  const [resetting, setResetting] = useState<string>()
  const query = useQuery({ queryKey: keys.users, queryFn: () => data(api.GET('/api/v1/users')) })
  const again = () => client.invalidateQueries({ queryKey: keys.users })
  const setRole = async (user: User, role: User['role']) => {
    try {
      await api.PATCH('/api/v1/users/{name}', { params: { path: { name: user.name } }, body: { role } })
    } catch (failure) {
      toast.failure(failure)
    }
    await again()
  }
  const make = (
    <Button onClick={() => setMaking(true)}>
      <Plus />
      {t('users.make')}
    </Button>
  )
  return (
    <Card title={t('users.title')} description={t('users.intro')} actions={make}>
      <Fetched query={query}>
        {(users) => (
          <ul>
            {users.data.map((user) => (
              <li key={user.name} className="flex flex-wrap items-center gap-x-3 gap-y-2 border-b border-line py-2.5 first:pt-0 last:border-0 last:pb-0">
                <div className="min-w-0 flex-1 basis-40">
                  <p className="flex items-center gap-2 font-medium">
                    <span className="truncate">{user.name}</span>
                    {user.super_admin && <Badge tone="accent">{t('users.chief')}</Badge>}
                  </p>
                  {user.created !== null && <p className="text-sm text-ink-3">{t('users.since', { when: day(user.created) })}</p>}
                </div>
                {!user.super_admin && (
                  <>
                    <Select
                      size="sm"
                      hideLabel
                      label={`${t('users.role')}: ${user.name}`}
                      value={user.role}
                      // Whoever takes the role from themselves has nobody left to give it back.
                      disabled={user.name === self}
                      onValueChange={(role) => void setRole(user, role)}
                      choices={ROLES.map((value) => ({ value, label: t(`roles.${value}`) }))}
                    />
                    <Button size="sm" onClick={() => setResetting(user.name)}>
                      {t('users.reset')}
                    </Button>
                    <Button size="sm" variant="quiet" disabled={user.name === self} onClick={() => setRemoving(user.name)}>
                      {t('users.remove')}
                    </Button>
                  </>
                )}
              </li>
            ))}
          </ul>
        )}
      </Fetched>
      <AccountDialog open={making} onOpenChange={setMaking} onDone={again} />
      <AccountDialog open={resetting !== undefined} name={resetting} onOpenChange={() => setResetting(undefined)} onDone={again} />
      <ConfirmDialog
        open={removing !== undefined}
        onOpenChange={() => setRemoving(undefined)}
        title={t('users.removeTitle', { name: removing ?? '' })}
        description={t('users.removeHelp')}
        action={t('users.remove')}
        typed={removing}
        typedLabel={t('users.removeTyped', { name: removing ?? '' })}
        onConfirm={async () => {
          await api.DELETE('/api/v1/users/{name}', { params: { path: { name: removing ?? '' } } })
          await again()
        }}
      />
    </Card>
  )
}
