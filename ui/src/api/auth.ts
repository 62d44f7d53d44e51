import { queryOptions } from '@tanstack/react-query'
import { api, data, type Schemas } from './client'
import { keys } from './keys'

export type AuthStatus = Schemas['AuthStatus']

/** Who is asking, and whether there is an account yet. */
export const authStatus = queryOptions({
  queryKey: keys.auth,
  queryFn: () => data(api.GET('/auth/status')),
  staleTime: 30_000,
})

const ROLES = ['viewer', 'member', 'admin']

/** Whether the asker has at least `role`; on a server without accounts everybody on its machine does. */
export function may(status: AuthStatus | undefined, role: 'viewer' | 'member' | 'admin'): boolean {
  if (status === undefined) return false
  if (!status.authenticated) return status.setup_required && !status.setup_needs_code
  return ROLES.indexOf(status.role ?? 'viewer') >= ROLES.indexOf(role)
}
