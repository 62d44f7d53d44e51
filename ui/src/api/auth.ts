import { queryOptions } from '@tanstack/react-query'
import { api, data, tellLoggedOut, type Schemas } from './client'
import { keys } from './keys'

export type AuthStatus = Schemas['AuthStatus']

/** Who is asking, and whether there is an account yet. Whose session ends stays who it was, as the page does, until the next login. */
export const authStatus = queryOptions({
  queryKey: keys.auth,
  queryFn: async ({ client, queryKey }) => {
    const before = client.getQueryData<AuthStatus>(queryKey)
    const now = await data(api.GET('/auth/status'))
    if (before?.authenticated !== true || now.authenticated || now.setup_required) return now
    tellLoggedOut()
    return before
  },
  staleTime: 30_000,
})

const ROLES = ['viewer', 'member', 'admin']

/** Whether the asker has at least `role`; on a server without accounts everybody on its machine does. */
export function may(status: AuthStatus | undefined, role: 'viewer' | 'member' | 'admin'): boolean {
  if (status === undefined) return false
  if (!status.authenticated) return status.setup_required && !status.setup_needs_code
  return ROLES.indexOf(status.role ?? 'viewer') >= ROLES.indexOf(role)
}
