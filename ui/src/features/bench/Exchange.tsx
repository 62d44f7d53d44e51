import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { authStatus, may } from '@/api/auth'
import { Alert } from '@/components/ui/Alert'
import { CopyButton } from '@/components/ui/CopyButton'
import { Progress } from '@/components/ui/Progress'
import { Refusal } from '@/components/ui/Refusal'
import { Spinner } from '@/components/ui/Spinner'
import { useStanding } from '@/realtime/hub'
import type { Asked } from './ask'

/** A question and its answer. */
export function Exchange({ asked }: { asked: Asked }) {
  const { t } = useTranslation('bench')
  const { prompt, text, reasoning, state, error, name } = asked
  return (
    <li className="flex flex-col gap-2 rounded-xl border border-line bg-surface p-4 shadow-sm" data-state={state}>
      <div className="flex items-start gap-3">
        <p className="min-w-0 flex-1 font-medium break-words whitespace-pre-wrap">{prompt}</p>
        <span className="max-w-48 shrink-0 truncate text-xs text-ink-3">{name}</span>
        {text !== '' && <CopyButton text={text} size="sm" />}
      </div>
      {reasoning !== '' && (
        <details className="text-sm text-ink-2">
          <summary>{t('test.thought')}</summary>
          <p className="mt-1 break-words whitespace-pre-wrap">{reasoning}</p>
        </details>
      )}
      {text !== '' && (
        <p aria-label={t('test.answer')} className="break-words whitespace-pre-wrap">
          {text}
        </p>
      )}
      {state === 'running' && text === '' && reasoning === '' && <Waiting />}
      {state === 'stopped' && <p className="text-sm text-ink-2">{t('test.stopped')}</p>}
      {state === 'failed' && (
        <Alert tone="bad" title={t('test.failed')}>
          <Refusal error={error} />
        </Alert>
      )}
    </li>
  )
}

/** What happens before the first word: a download, of which only admins hear and ask, a load, or just the prompt. */
function Waiting() {
  return may(useQuery(authStatus).data, 'admin') ? <Downloading /> : <Working />
}

function Downloading() {
  const { t } = useTranslation('bench')
  const download = useStanding('downloads')?.find(({ state }) => state === 'running' || state === 'retrying')
  if (download === undefined || download.total === 0) return <Working />
  return <Progress value={(download.done / download.total) * 100} label={t('test.downloading', { name: download.repo })} />
}

function Working() {
  const { t } = useTranslation('bench')
  const loading = useStanding('models')?.find(({ state }) => state === 'starting')
  if (loading !== undefined) {
    return <Progress value={loading.progress === null ? null : loading.progress * 100} label={t('test.loading')} />
  }
  return (
    <p className="flex items-center gap-2 text-sm text-ink-2">
      <Spinner />
      {t('test.working')}
    </p>
  )
}
