import { queryOptions } from '@tanstack/react-query'
import { api, data, type Schemas } from './client'
import { keys } from './keys'

/** The models as clients see them; asked for again whenever the server says that its list is another. */
export const served = queryOptions({
  queryKey: [...keys.models, 'served'],
  queryFn: async () => (await data(api.GET('/v1/models'))).data,
})

/** Whether it is a model to talk to. */
export function answers({ capabilities, format }: Pick<Schemas['ModelObject'], 'capabilities' | 'format'>): boolean {
  return capabilities.includes('chat') || format === 'remote'
}

/** Those of all models that one can talk to. */
export function answering(models: readonly Schemas['ModelObject'][]): Schemas['ModelObject'][] {
  return models.filter(answers)
}
