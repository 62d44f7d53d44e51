// What happens when the server no longer knows who is asking, or is told to forget.
import { authStatus } from '@/api/auth'
import { api } from '@/api/client'
import { queryClient } from './query'
import type { router as Router } from './router'

let asking: Promise<void> | undefined
let left: string | undefined

/** To the login, and back to where one is afterwards; many refusals at once are one. */
export function goToLogin(router: typeof Router): void {
  asking ??= leave(router).finally(() => {
    asking = undefined
  })
}

/** Asks who one is first: with what was known before, the login would lead straight back. */
async function leave(router: typeof Router): Promise<void> {
  const { href, pathname } = router.state.location
  if (pathname === '/login' || pathname === '/setup') return
  left = queryClient.getQueryData(authStatus.queryKey)?.name ?? left
  await queryClient.refetchQueries({ queryKey: authStatus.queryKey })
  const status = queryClient.getQueryData(authStatus.queryKey)
  if (status?.authenticated === true) return
  await router.navigate({ to: '/login', search: { next: href }, ignoreBlocker: true })
}

/** Whether somebody else was here before in this tab, whose drafts are not for `name`. */
export function isSomebodyElse(name: string): boolean {
  return left !== undefined && left !== name
}

/** Ends the session on the server, and loads the login anew: nothing that was seen or written stays. Throws ApiError. */
export async function logOut(): Promise<void> {
  await api.POST('/auth/logout')
  location.assign('/ui/login')
}
