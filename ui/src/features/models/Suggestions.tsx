import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { api, data } from '@/api/client'
import { keys } from '@/api/keys'
import { Alert } from '@/components/ui/Alert'
import { Button } from '@/components/ui/Button'
import { Refusal } from '@/components/ui/Refusal'
import { list, number } from '@/i18n/format'
import { memory } from './figures'
import { isApplied, type Change, type Estimate } from './fit'
import { useLoad } from './use-load'

/** What would make a model fit, each by itself; what this page can do is done on a click, and the model loaded. */
export function Suggestions({ id, estimate }: { id: string; estimate: Estimate }) {
  const { t } = useTranslation('models')
  const client = useQueryClient()
  const { loadNow, unload } = useLoad()
  const apply = useMutation({
    mutationFn: async (change: Change) => {
      for (const one of change.unload) await unload(one, true)
      if (Object.keys(change.settings).length > 0) {
        await data(api.PATCH('/api/v1/models/{id}', { params: { path: { id } }, body: { settings: change.settings } }))
        await client.invalidateQueries({ queryKey: keys.models })
      }
    },
    onSuccess: () => loadNow(id),
  })
  return (
    <section className="flex flex-col gap-2">
      <h3 className="text-base font-semibold">{t('room.suggestions')}</h3>
      <ul className="divide-y divide-line rounded-lg border border-line" data-testid="suggestions">
        {estimate.changes.map((change) => (
          <li key={change.text} className="flex flex-wrap items-center gap-3 px-3 py-2">
            <span className="min-w-0 flex-1 basis-40">
              <Words change={change} />
            </span>
            {isApplied(change) && (
              <Button size="sm" busy={apply.isPending && apply.variables === change} onClick={() => apply.mutate(change)}>
                {t(change.unload.length > 0 ? 'room.unloadLoad' : 'room.apply')}
                <span className="sr-only">
                  : <Words change={change} />
                </span>
              </Button>
            )}
          </li>
        ))}
      </ul>
      {apply.isError && <Alert tone="bad"><Refusal error={apply.error} /></Alert>}
      {estimate.changes.some((change) => isApplied(change) && Object.keys(change.settings).length > 0) && <p className="text-sm text-ink-3">{t('room.saves')}</p>}
    </section>
  )
}

function Words({ change }: { change: Change }) {
  const { t } = useTranslation('models')
  const { context, parallel, cache_type_k: cache } = change.settings
  if (change.at_most !== null) return t('room.smaller', { size: memory(change.at_most), tokens: number(Number(context ?? 0)) })
  if (change.unload.length > 0) return t('room.unloadThese', { models: list(change.unload) })
  if (context !== undefined) return t('room.context', { value: number(Number(context)) })
  if (parallel !== undefined) return t('room.parallel', { value: number(Number(parallel)) })
  if (cache !== undefined) return t('room.cache', { value: String(cache) })
  return t('room.nothing')
}
