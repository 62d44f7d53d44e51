import { useTranslation } from 'react-i18next'
import { Alert } from '@/components/ui/Alert'
import { Button } from '@/components/ui/Button'
import { Dialog } from '@/components/ui/Dialog'
import { Refusal } from '@/components/ui/Refusal'
import { isLoaded } from './entries'
import { memory } from './figures'
import { MemoryBar } from './MemoryBar'
import { Suggestions } from './Suggestions'
import { useLoad, useShortage } from './use-load'
import { useModels } from './use-models'

/** Asks what is to be done where a model does not fit beside what is loaded: numbers, what would go, and what would help. */
export function RoomDialog() {
  const { t } = useTranslation('models')
  const [shortage, close] = useShortage()
  const { loadNow } = useLoad()
  if (shortage === null) return null
  const { id, estimate, error } = shortage
  const verdict = error === null ? (estimate?.verdict ?? 'fits') : 'failed'
  const written = (count: number | null | undefined) => (typeof count === 'number' ? memory(count) : '?')
  const figures = { model: id, need: written(estimate?.memory), free: written(estimate?.free), limit: written(estimate?.limit) }
  const title = { fits: 'room.evictTitle', evicts: 'room.evictTitle', waits: 'room.waitTitle', too_large: 'room.largeTitle', failed: 'room.failedTitle' } as const
  const body = { fits: 'room.evictBody', evicts: 'room.evictBody', waits: 'room.waitBody', too_large: 'room.largeBody', failed: 'room.largeBody' } as const
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && close()}
      title={t(title[verdict], figures)}
      description={error !== null ? undefined : t(body[verdict], figures)}
      footer={
        <>
          <Button onClick={close}>{t('action.cancel', { ns: 'common' })}</Button>
          {verdict === 'evicts' && (
            <Button variant="primary" onClick={() => void loadNow(id)}>
              {t('room.evict')}
            </Button>
          )}
          {verdict === 'waits' && (
            <Button variant="primary" onClick={() => void loadNow(id)}>
              {t('room.wait')}
            </Button>
          )}
        </>
      }
    >
      <div className="flex flex-col gap-4 pb-1">
        {error !== null && <Alert tone="bad"><Refusal error={error} /></Alert>}
        {estimate !== null && <MemoryBar estimate={estimate} />}
        {verdict === 'evicts' && estimate !== null && <Leaving ids={estimate.evict} />}
        {estimate !== null && estimate.changes.length > 0 && <Suggestions id={id} estimate={estimate} />}
        {verdict !== 'evicts' && <Loaded id={id} />}
      </div>
    </Dialog>
  )
}

function Leaving({ ids }: { ids: readonly string[] }) {
  const { rows } = useModels()
  return (
    <ul className="list-disc pl-5 text-base">
      {ids.map((one) => {
        const taken = rows.find((row) => row.entry.id === one)?.memory ?? null
        return (
          <li key={one}>
            <span className="font-medium break-all">{one}</span>
            {taken !== null && <span className="tabular text-ink-2"> {memory(taken)}</span>}
          </li>
        )
      })}
    </ul>
  )
}

function Loaded({ id }: { id: string }) {
  const { t } = useTranslation('models')
  const { rows } = useModels()
  const { unload } = useLoad()
  const loaded = rows.filter((row) => isLoaded(row.state) && row.entry.id !== id)
  if (loaded.length === 0) return null
  return (
    <section className="flex flex-col gap-2">
      <h3 className="text-base font-semibold">{t('room.other')}</h3>
      <ul className="divide-y divide-line rounded-lg border border-line">
        {loaded.map((row) => (
          <li key={row.entry.id} className="flex flex-wrap items-center gap-3 px-3 py-2">
            <span className="min-w-0 flex-1 break-all">{row.entry.id}</span>
            {row.memory !== null && <span className="tabular text-sm text-ink-2">{memory(row.memory)}</span>}
            <Button size="sm" onClick={() => void unload(row.entry.id)}>
              {t('action.unload')}
              <span className="sr-only"> {row.entry.id}</span>
            </Button>
          </li>
        ))}
      </ul>
    </section>
  )
}
