import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'
import { authStatus, may } from '@/api/auth'
import { keys } from '@/api/keys'
import { hub, useStanding } from '@/realtime/hub'
import { rowsOf, type Row } from './entries'
import { entriesQuery } from './queries'

/** Whether the asker may change models. */
export function useIsAdmin(): boolean {
  const { data } = useQuery(authStatus)
  return may(data, 'admin')
}

/** All models as rows: listed once, followed by events, asked for again where the server says that the list has changed. */
export function useModels() {
  const isAdmin = useIsAdmin()
  const client = useQueryClient()
  const query = useQuery(entriesQuery(isAdmin))
  const figures = useStanding('models')
  useEffect(
    () =>
      hub.on('models', (event) => {
        if (event.type === 'listed' || event.type === 'resync') void client.invalidateQueries({ queryKey: keys.models })
      }),
    [client],
  )
  const entries = query.data?.data
  const rows = useMemo<readonly Row[]>(() => (entries === undefined ? [] : rowsOf(entries, figures)), [entries, figures])
  return { ...query, rows, version: query.data?.version ?? '', free: query.data?.free ?? null }
}
