import { queryOptions } from '@tanstack/react-query'
import { api, data } from './client'
import { keys } from './keys'

/** The models as clients see them; asked for again whenever the server says that its list is another. */
export const served = queryOptions({
  queryKey: [...keys.models, 'served'],
  queryFn: async () => (await data(api.GET('/v1/models'))).data,
})
