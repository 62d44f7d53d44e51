import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api, data } from '@/api/client'
import { keys } from '@/api/keys'
import { patchOf } from './fields'

const config = queryOptions({ queryKey: keys.config, queryFn: () => data(api.GET('/api/v1/config')) })

export function useConfig() {
  return useQuery(config)
}

/** Writes one setting; the server refuses where somebody else has changed the file meanwhile. */
export function useSetting(key: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (value: unknown) => {
      const version = client.getQueryData(config.queryKey)?.version
      return data(api.PATCH('/api/v1/config', { body: { change: patchOf(key, value), version: version === '' ? null : version } }))
    },
    onSuccess: (answer) => client.setQueryData(config.queryKey, answer),
    onError: () => client.invalidateQueries({ queryKey: keys.config }),
  })
}
