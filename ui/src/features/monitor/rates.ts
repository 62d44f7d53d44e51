// How fast each request under way writes, from how many tokens it has and when: the server counts, and tells no rate.
import type { LiveRequest } from '@/realtime/topics'

interface Seen {
  readonly at: number
  readonly tokens: number
}

export type Rates = ReadonlyMap<number, { readonly from: Seen; readonly last: Seen; readonly rate: number | null }>

export const NO_RATES: Rates = new Map()

/** Seconds that a rate is taken over, at least. */
const SPAN = 0.9

/** The rates at `at` (seconds), for the requests that are there then; null until one can be told. */
export function ratesAfter(before: Rates, requests: readonly LiveRequest[], at: number): Rates {
  const after = new Map<number, { from: Seen; last: Seen; rate: number | null }>()
  for (const { number, output_tokens: tokens } of requests) {
    const seen: Seen = { at, tokens }
    const known = before.get(number)
    // A request that runs again behind a worker that fell begins anew.
    if (known === undefined || tokens < known.last.tokens) after.set(number, { from: seen, last: seen, rate: null })
    else if (at - known.from.at < SPAN) after.set(number, { ...known, last: seen })
    else {
      const rate = tokens === 0 ? null : (tokens - known.from.tokens) / (at - known.from.at)
      after.set(number, { from: seen, last: seen, rate })
    }
  }
  return after
}

/** How much of its prompt a request has read, 0 to 1; null while its length is not known. */
export function readShare({ prompt_tokens: prompt, prefilled_tokens: read, phase }: LiveRequest): number | null {
  if (phase === 'decoding') return 1
  return prompt > 0 ? Math.min(1, read / prompt) : null
}
