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

/** Asks for the list again whenever the server says that it has changed; for the page alone, so that it is asked once. */
export function useListFollowed(): void {
  const client = useQueryClient()
  useEffect(
    () =>
      hub.on('models', (event) => {
        if (event.type === 'listed' || event.type === 'resync') void client.invalidateQueries({ queryKey: keys.models })
      }),
    [client],
  )
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
