import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Navigate, useRouter } from '@tanstack/react-router'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { authStatus } from '@/api/auth'
import { destination, entered } from './enter'
import { Frame } from './Frame'
import { LoginForm } from './LoginForm'
import './texts'

const route = getRouteApi('/login')

export function LoginPage() {
  const { t } = useTranslation('auth')
  const { next } = route.useSearch()
  const router = useRouter()
  const client = useQueryClient()
  const { data: status } = useQuery(authStatus)
  const inside = status?.authenticated === true
  useEffect(() => {
    if (inside) router.history.replace(destination(next))
  }, [inside, router, next])
  useEffect(() => {
    document.title = `${t('login.title')} · Dovetail`
  }, [t])
  if (status?.setup_required === true) return <Navigate to="/setup" replace />
  return (
    <Frame title={t('login.title')} intro={next === undefined ? undefined : t('login.onward')}>
      <LoginForm onEntered={() => entered(client)} />
    </Frame>
  )
}
