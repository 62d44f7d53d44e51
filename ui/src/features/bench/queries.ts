import { queryOptions } from '@tanstack/react-query'
import { api, data } from '@/api/client'
import { served } from '@/api/served'

export const benchKeys = {
  all: ['bench'] as const,
  list: ['bench', 'list'] as const,
  one: (id: string) => ['bench', 'one', id] as const,
}

/** The newest hundred, with their figures. */
export const benchmarks = queryOptions({
  queryKey: benchKeys.list,
  queryFn: async () => (await data(api.GET('/api/v1/benchmarks'))).data,
})

export function benchmark(id: string) {
  return queryOptions({
    queryKey: benchKeys.one(id),
    queryFn: async () => (await data(api.GET('/api/v1/benchmarks/{id}', { params: { path: { id } } }))).benchmark,
  })
}

/** The models that generate. */
export const models = queryOptions({
  ...served,
  select: (all) => all.filter(({ capabilities }) => capabilities.includes('completion') || capabilities.includes('chat')),
})
