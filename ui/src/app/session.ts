// What happens when the server no longer knows who is asking, or is told to forget.
import { api } from '@/api/client'
import { keys } from '@/api/keys'
import { queryClient } from './query'
import type { router as Router } from './router'

/** To the login, and back to where one is afterwards. */
export function goToLogin(router: typeof Router): void {
  const { href, pathname } = router.state.location
  if (pathname === '/login' || pathname === '/setup') return
  void queryClient.invalidateQueries({ queryKey: keys.auth })
  void router.navigate({ to: '/login', search: { next: href } })
}

/** Ends the session on the server, and forgets what it showed. Throws ApiError. */
export async function logOut(): Promise<void> {
  await api.POST('/auth/logout')
  queryClient.clear()
}
