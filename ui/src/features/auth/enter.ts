import type { QueryClient } from '@tanstack/react-query'
import { keys } from '@/api/keys'

/** Forgets what the one before saw, but for who is asking, which is asked anew. */
export async function entered(client: QueryClient): Promise<void> {
  client.removeQueries({ predicate: (query) => query.queryKey[0] !== keys.auth[0] })
  await client.refetchQueries({ queryKey: keys.auth })
}

/** Where to go after a login: an address of this interface, never another site's. */
export function destination(next: string | undefined): string {
  const own = next !== undefined && /^\/(?![/\\])/.test(next) && !/^\/(?:login|setup)\b/.test(next)
  return `/ui${own ? next : '/'}`
}
