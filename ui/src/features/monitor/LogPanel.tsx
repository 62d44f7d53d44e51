import { useState, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/Button'
import { Card } from '@/components/ui/Card'
import { EmptyState } from '@/components/ui/EmptyState'
import { number } from '@/i18n/format'
import { useTopics } from '@/realtime/hub'
import { EVERYTHING } from './log-filter'
import { LogRows } from './LogRows'
import { LogToolbar } from './LogToolbar'
import { logs } from './logs'

/** The server's log as it is written, for those who may read it. */
export function LogPanel({ mayRead }: { mayRead: boolean }) {
  const { t } = useTranslation('monitor')
  return (
    <Card title={t('logs.title')}>
      {mayRead ? <Log /> : <EmptyState title={t('logs.forbidden')}>{t('logs.forbiddenHelp')}</EmptyState>}
    </Card>
  )
}

function Log() {
  const { t } = useTranslation('monitor')
  useTopics('logs')
  useSyncExternalStore(logs.subscribe, logs.changes)
  const [wrap, setWrap] = useState(false)
  const [following, setFollowing] = useState(true)
  const { received } = logs.counts
  return (
    <div className="flex flex-col gap-2">
      <LogToolbar wrap={wrap} onWrap={setWrap} following={following} onFollow={setFollowing} />
      {logs.error !== undefined && (
        <p role="alert" className="text-sm text-bad">
          {t('logs.badRegex', { error: logs.error })}
        </p>
      )}
      <div className="relative overflow-hidden rounded-lg border border-line bg-sunken">
        {logs.length === 0 ? (
          <Nothing all={received === 0} />
        ) : (
          <LogRows key={String(wrap)} wrap={wrap} following={following} onFollow={setFollowing} />
        )}
        {!following && logs.length > 0 && (
          <Button size="sm" className="absolute right-4 bottom-3 shadow-md" onClick={() => setFollowing(true)}>
            ↓ {t('logs.toEnd')}
          </Button>
        )}
      </div>
      <Counts />
    </div>
  )
}

function Nothing({ all }: { all: boolean }) {
  const { t } = useTranslation('monitor')
  if (all) return <EmptyState title={t('logs.empty')}>{t('logs.emptyHelp')}</EmptyState>
  return (
    <EmptyState
      title={t('logs.none')}
      actions={
        <Button size="sm" onClick={() => logs.setFilter(EVERYTHING)}>
          {t('logs.reset')}
        </Button>
      }
    />
  )
}

/** How many lines there are, are shown, and are not there any more. */
function Counts() {
  const { t } = useTranslation('monitor')
  const { received, dropped, missed, behind } = logs.counts
  const kept = received - dropped
  const lines = t('logs.lines', { count: received, formatted: number(received) })
  const filtered = logs.length < (logs.paused ? kept : kept - behind)
  return (
    <p className="tabular flex flex-wrap gap-x-3 text-xs text-ink-2" data-testid="log-counts">
      <span>{filtered ? t('logs.shown', { shown: number(logs.length), lines }) : lines}</span>
      {dropped > 0 && <span>{t('logs.dropped', { count: dropped, formatted: number(dropped) })}</span>}
      {missed > 0 && (
        <span className="text-warn">{t('logs.missed', { count: missed, formatted: number(missed) })}</span>
      )}
      {behind > 0 && (
        <span className="font-medium text-accent-ink">
          {t('logs.behind', { count: behind, formatted: number(behind) })}
        </span>
      )}
    </p>
  )
}
