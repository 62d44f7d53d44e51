import { useMemo } from 'react'
import { useQuery } from '@tanstack/react-query'
import { request, type Schemas } from '@/api/client'
import { answering, answers, served } from '@/api/served'
import { useStandingPart } from '@/realtime/hub'
import { lastModel } from './ui-store'

export type Model = Schemas['ModelObject']

export interface Known {
  /** Those that can answer, with their states as they are now. */
  models: readonly Model[]
  isLoading: boolean
  error: unknown
  refetch: () => void
  /** Why nobody answers under that name; null where somebody does, and while that is being asked. */
  lacks: (name: string) => Lack | null
}

export function useModels(): Known {
  const { data: listed, isPending, isFetching, error, refetch } = useQuery(served)
  const live = useStandingPart('models', (standing) => standing.models)
  const models = useMemo(() => {
    const now = new Map((live ?? []).filter((one) => one.id === one.model).map((one) => [one.model, one]))
    return answering(listed ?? []).map((one): Model => {
      const figures = now.get(one.id)
      const state = figures?.state ?? (live === null || one.state === 'failed' ? one.state : 'unloaded')
      return { ...one, state, reason: figures === undefined ? one.reason : figures.reason }
    })
  }, [listed, live])
  const lacks = (name: string) => (listed === undefined || isFetching ? null : lackOf(listed, name))
  return { models, isLoading: isPending, error, refetch: () => void refetch(), lacks }
}

/** There is no such model, its files cannot be used, or it is not one to talk to. */
export type Lack = 'unknown' | 'broken' | 'silent'

/** Why nobody answers under that name. */
export function lackOf(listed: readonly Model[], name: string): Lack | null {
  const found = modelOf(listed, name)
  if (found === undefined) return 'unknown'
  if (answers(found)) return null
  return found.state === 'failed' ? 'broken' : 'silent'
}

/** The model to talk to: the conversation's, the one that is `preferred`, the one that was used last, one that is loaded, any. */
export function chosenModel(models: readonly Model[], ofChat: string | null | undefined, preferred: string | null = null): string | null {
  // Not one with an adapter: whether there still is one of that name, the list does not say.
  const has = (id: string | null | undefined): id is string => id !== null && id !== undefined && models.some((one) => one.id === id || one.aliases.includes(id))
  if (ofChat !== null && ofChat !== undefined) return ofChat
  const before = [preferred, lastModel()].find(has)
  if (before !== undefined) return before
  return (models.find((one) => one.state === 'ready') ?? models[0])?.id ?? null
}

/** The model of that name, which may be one with an adapter, as `model+adapter`. */
export function modelOf(models: readonly Model[], id: string | null): Model | undefined {
  if (id === null) return undefined
  const named = (name: string) => models.find((one) => one.id === name) ?? models.find((one) => one.aliases.includes(name))
  return named(id) ?? named(id.slice(0, Math.max(0, id.lastIndexOf('+'))))
}

/** More bytes no model that comes with this program has. */
const LARGEST_DEMO = 32_000_000

/** Whether it is one of the models that come with this program, which know little beside capitals and stories. */
export function isDemo(model: Pick<Model, 'id' | 'size'>): boolean {
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
