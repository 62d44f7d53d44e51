import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { authStatus, may } from '@/api/auth'
import { Alert } from '@/components/ui/Alert'
import { buttonClass } from '@/components/ui/Button'
import { SkeletonList } from '@/components/ui/Skeleton'
import { KeyList } from './KeyList'
import { Password } from './Password'
import { SessionList } from './SessionList'
import { UserList } from './UserList'

export function Security() {
  const { t } = useTranslation()
  const { t: ts } = useTranslation('settings')
  const { data: status } = useQuery(authStatus)
  if (status === undefined) return <SkeletonList rows={6} />
  if (!status.authenticated) {
    return (
      <Alert
        actions={
          <Link to="/setup" className={buttonClass({ variant: 'primary' })}>
            {t('account.create')}
          </Link>
        }
      >
        {ts('keys.login')}
      </Alert>
    )
  }
  return (
    <>
      {may(status, 'member') && <KeyList role={status.role ?? 'viewer'} />}
      {may(status, 'admin') && <UserList self={status.name ?? ''} />}
      <SessionList />
      <Password />
    </>
  )
}
