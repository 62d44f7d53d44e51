import { useMemo } from 'react'
import { queryOptions, useQuery } from '@tanstack/react-query'
import { api, data, request, type Schemas } from '@/api/client'
import { useStandingPart } from '@/realtime/hub'
import { lastModel } from './ui-store'

type Listed = Schemas['ModelObject']

export interface Model extends Listed {
  /** Share of the load that is done, where that is known. */
  progress: number | null
}

/** The models one can chat with; `/v1/models` is for everybody who may use any. */
export const chatModels = queryOptions({
  queryKey: ['models', 'chat'],
  queryFn: async () => (await data(api.GET('/v1/models'))).data,
})

/** Those that can answer, with their states as they are now. */
export function useModels(): { models: readonly Model[]; isLoading: boolean; error: unknown; refetch: () => void } {
  const { data: listed, isPending, error, refetch } = useQuery(chatModels)
  const live = useStandingPart('models', (standing) => standing.models)
  const models = useMemo(() => {
    const now = new Map((live ?? []).filter((one) => one.id === one.model).map((one) => [one.model, one]))
    return answering(listed ?? []).map((one): Model => {
        const figures = now.get(one.id)
        const state = figures?.state ?? (live === null ? one.state : 'unloaded')
        return { ...one, state, reason: figures === undefined ? one.reason : figures.reason, progress: null }
      },
    )
  }, [listed, live])
  return { models, isLoading: isPending, error, refetch: () => void refetch() }
}

/** Those of all models that one can talk to. */
export function answering<T extends Listed>(models: readonly T[]): T[] {
  return models.filter((one) => one.capabilities.includes('chat') || one.format === 'remote')
}

/** The model to talk to: the conversation's, the one that was used last, one that is loaded, any. */
export function chosenModel(models: readonly Listed[], ofChat: string | null | undefined): string | null {
  const has = (id: string | null | undefined): id is string => id !== null && id !== undefined && models.some((one) => one.id === id || one.aliases.includes(id))
  if (ofChat !== null && ofChat !== undefined) return ofChat
  const last = lastModel()
  if (has(last)) return last
  return (models.find((one) => one.state === 'ready') ?? models[0])?.id ?? null
}

export function modelOf(models: readonly Model[], id: string | null): Model | undefined {
  return id === null ? undefined : (models.find((one) => one.id === id) ?? models.find((one) => one.aliases.includes(id)))
}

/** More bytes no model that comes with this program has. */
const LARGEST_DEMO = 32_000_000

/** Whether it is one of the models that come with this program, which know little beside capitals and stories. */
export function isDemo(model: Pick<Listed, 'id' | 'size'>): boolean {
  return model.id.startsWith('tiny-') && model.size <= LARGEST_DEMO
}

/** Loads a model before anything is asked of it. Throws ApiError, which says what to do. */
export async function loadModel(id: string): Promise<void> {
  await request('/models/load', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: id }),
  })
}
