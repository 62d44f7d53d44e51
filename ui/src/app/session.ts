// What happens when the server no longer knows who is asking, or is told to forget.
import { createStore, useStore } from 'zustand'
import { authStatus } from '@/api/auth'
import { api, data } from '@/api/client'
import { queryClient } from './query'
import type { router as Router } from './router'

const asked = createStore(() => false)
let asking: Promise<void> | undefined

/** Has whoever is not known any more log in over the page, which stays as it is; many refusals at once are one. */
export function askLogin(router: typeof Router): void {
  if (asked.getState()) return
  // A server that does not answer is asked again with the next refusal.
  asking ??= ask(router)
    .catch(() => undefined)
    .finally(() => {
      asking = undefined
    })
}

/** Asks who one is first: it may be settled since the refusal. */
async function ask(router: typeof Router): Promise<void> {
  const { pathname } = router.state.location
  if (pathname === '/login' || pathname === '/setup') return
  const status = await data(api.GET('/auth/status'))
  if (status.authenticated) return
  if (status.setup_required) {
    queryClient.setQueryData(authStatus.queryKey, status)
    await router.navigate({ to: '/setup', ignoreBlocker: true })
    return
  }
  asked.setState(true, true)
}

/** Whether the login is asked for over the page. */
export function useLoginAsked(): boolean {
  return useStore(asked)
}

/** Somebody has logged in over the page. */
export function loggedIn(): void {
  asked.setState(false, true)
}

/** Ends the session on the server, and loads the login anew: nothing that was seen or written stays. Throws ApiError. */
export async function logOut(): Promise<void> {
  await api.POST('/auth/logout')
  location.assign('/ui/login')
}
