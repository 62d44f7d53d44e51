import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { authStatus, may } from '@/api/auth'
import { EmptyState } from '@/components/ui/EmptyState'
import { hub, useStanding } from '@/realtime/hub'
import { NewRun } from './NewRun'
import { benchKeys } from './queries'
import { Result } from './Result'
import { Running } from './Running'
import { SavedRuns } from './SavedRuns'

export interface CompareProps {
  run: string | undefined
  onRun: (id: string | undefined) => void
}

/** Models beside each other: a new benchmark, the one that runs, and those that are kept. */
export function Compare({ run, onRun }: CompareProps) {
  const { t } = useTranslation('bench')
  const isAdmin = may(useQuery(authStatus).data, 'admin')
  return (
    <div className="flex flex-col gap-4">
      {isAdmin ? (
        <UnderWay run={run} onRun={onRun} />
      ) : (
        <>
          <EmptyState title={t('form.adminOnly')}>{t('form.adminOnlyHelp')}</EmptyState>
          {run !== undefined && <Result key={run} id={run} />}
          <SavedRuns shown={run} onShow={onRun} mayDelete={false} />
        </>
      )}
    </div>
  )
}

/** The same for an admin: nobody else is told how far a benchmark is. */
function UnderWay({ run, onRun }: CompareProps) {
  const cache = useQueryClient()
  const running = useStanding('bench') ?? null
  const done = running?.progress?.done
  const id = running?.id
  // Figures come with every step that is done; the events tell how far it is, and no figures.
  useEffect(() => {
    if (id !== undefined && done !== undefined) void cache.invalidateQueries({ queryKey: benchKeys.one(id) })
  }, [cache, id, done])
  useEffect(
    () =>
      hub.on('bench', ({ type }) => {
        if (type === 'ended' || type === 'snapshot') void cache.invalidateQueries({ queryKey: benchKeys.all })
      }),
    [cache],
  )
  const shown = run ?? id
  return (
    <>
      {running === null ? <NewRun onStarted={onRun} /> : <Running running={running} />}
      {shown !== undefined && <Result key={shown} id={shown} />}
      <SavedRuns shown={shown} onShow={onRun} mayDelete />
    </>
  )
}
