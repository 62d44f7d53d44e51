import type { Schemas } from '@/api/client'

type Key = Schemas['KeyObject']

export const LIMITS = ['requests_minute', 'requests_day', 'tokens_minute', 'tokens_day', 'concurrency'] as const
export type Limit = (typeof LIMITS)[number]

/** The limits that a key has. */
export function limitsOf(key: Pick<Key, 'limits'>): [Limit, number][] {
  return LIMITS.flatMap((name) => {
    const most = key.limits[name]
    return most === null ? [] : [[name, most] as [Limit, number]]
  })
}

/** What a key did in all the days that are known. */
export function usageOf(key: Pick<Key, 'usage'>): { requests: number; tokens: number } {
  return key.usage.reduce(
    (sum, one) => ({ requests: sum.requests + one.requests, tokens: sum.tokens + one.prompt_tokens + one.completion_tokens }),
    { requests: 0, tokens: 0 },
  )
}

/** Whether a key is refused by now; `at` in seconds since 1970. */
export function isExpired(at: number, now = Date.now() / 1000): boolean {
  return at <= now
}
