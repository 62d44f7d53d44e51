import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { authStatus, may } from '@/api/auth'
import { useStanding } from '@/realtime/hub'
import { rowsOf, type Row } from './entries'
import { entriesQuery } from './queries'

/** Whether the asker may change models. */
export function useIsAdmin(): boolean {
  const { data } = useQuery(authStatus)
  return may(data, 'admin')
}

/** Whether the asker may talk to models. */
export function useMayAsk(): boolean {
  const { data } = useQuery(authStatus)
  return may(data, 'member')
}

/** All models as rows: as they are listed, with what happens now over it. */
export function useModels() {
  const isAdmin = useIsAdmin()
  const query = useQuery(entriesQuery(isAdmin))
  const figures = useStanding('models')
  const entries = query.data?.data
  const rows = useMemo<readonly Row[]>(() => (entries === undefined ? [] : rowsOf(entries, figures)), [entries, figures])
  return { ...query, rows, version: query.data?.version ?? '', free: query.data?.free ?? null }
}
