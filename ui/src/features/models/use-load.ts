import { useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { createStore, useStore } from 'zustand'
import { api, asApiError, data, type ApiError } from '@/api/client'
import { keys } from '@/api/keys'
import { toast } from '@/components/ui/Toast'
import type { Entry } from './entries'
import type { Estimate } from './fit'
import { entriesQuery } from './queries'

/** A load that cannot simply begin: what was reckoned, and what the server said where it was tried. */
export interface Shortage {
  id: string
  estimate: Estimate | null
  error: ApiError | null
}

const shortage = createStore<{ now: Shortage | null }>(() => ({ now: null }))

/** What the page has to ask about, if anything. */
export function useShortage(): [Shortage | null, () => void] {
  const now = useStore(shortage, (state) => state.now)
  return [now, () => shortage.setState({ now: null })]
}

const estimated = (id: string) => data(api.POST('/api/v1/models/estimate', { body: { model: id } }))

/** Loads and unloads, with a word at the end; what does not fit is asked about first. */
export function useLoad() {
  const { t } = useTranslation('models')
  const client = useQueryClient()
  const listed = () => client.invalidateQueries({ queryKey: keys.models })
  const stateOf = (id: string) => client.getQueryData(entriesQuery(true).queryKey)?.data.find((entry) => entry.id === id)?.state

  const now = async (id: string): Promise<void> => {
    shortage.setState({ now: null })
    try {
      await data(api.POST('/api/v1/models/{id}/load', { params: { path: { id } } }))
      toast.success(t('done.loaded', { model: id }))
    } catch (failure) {
      const error = asApiError(failure)
      await listed()
      if (error.code === 'cancelled') toast.info(t('done.cancelled', { model: id }))
      else if (error.status === 507) shortage.setState({ now: { id, estimate: await estimated(id).catch(() => null), error } })
      // The list shows why a worker failed; of what was refused before there was one it knows nothing.
      else if (stateOf(id) !== 'failed') toast.failure(error, t('failed.load', { model: id }))
      return
    }
    await listed()
  }

  const load = async (entry: Entry): Promise<void> => {
    const found = entry.format === 'remote' ? null : await estimated(entry.id).catch(() => null)
    if (found === null || found.verdict === 'fits') return now(entry.id)
    shortage.setState({ now: { id: entry.id, estimate: found, error: null } })
  }

  const unload = async (id: string, quietly = false): Promise<void> => {
    try {
      await data(api.POST('/api/v1/models/{id}/unload', { params: { path: { id } } }))
      if (!quietly) toast.success(t('done.unloaded', { model: id }))
    } catch (failure) {
      const error = asApiError(failure)
      if (error.code !== 'model_not_loaded') toast.failure(error, t('failed.unload', { model: id }))
    }
    await listed()
  }

  return { load, loadNow: now, unload }
}
