/**
 * Code in colours, made in a worker once it is whole, and kept.
 *
 * Finding out which language a code is in takes tens of milliseconds, so only a language that is named gets colours.
 */

export const MAX_CHARS = 100_000
const KEPT = 200

export interface Job {
  readonly id: number
  readonly code: string
  readonly language: string
}

/** `chunks` are HTML of at most `LINES` lines each; empty where the language is not known. */
export interface Colours {
  readonly id: number
  readonly chunks: readonly string[]
}

const kept = new Map<string, readonly string[]>()
const waiting = new Map<number, (chunks: readonly string[]) => void>()
let worker: Worker | null = null
let last = 0

/** What was made of it before, if it is still kept. */
export function colours(code: string, language: string): readonly string[] | undefined {
  return kept.get(keyOf(code, language))
}

/** Answers empty where there are no colours for it: the language is unknown, the code too long, or there is no worker. */
export async function colour(code: string, language: string): Promise<readonly string[]> {
  if (language === '' || code.length > MAX_CHARS || typeof Worker === 'undefined') return []
  const key = keyOf(code, language)
  const before = kept.get(key)
  if (before !== undefined) return before
  const chunks = await ask({ id: ++last, code, language })
  kept.set(key, chunks)
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT) break
    kept.delete(oldest)
  }
  return chunks
}

function ask(job: Job): Promise<readonly string[]> {
  return new Promise((done) => {
    waiting.set(job.id, done)
    theWorker().postMessage(job)
  })
}

function theWorker(): Worker {
  if (worker !== null) return worker
  worker = new Worker(new URL('./hl.worker.ts', import.meta.url), { type: 'module' })
  worker.onmessage = (event: MessageEvent<Colours>) => {
    waiting.get(event.data.id)?.(event.data.chunks)
    waiting.delete(event.data.id)
  }
  worker.onerror = () => {
    for (const done of waiting.values()) done([])
    waiting.clear()
    worker = null
  }
  return worker
}

function keyOf(code: string, language: string): string {
  return `${language}\n${code}`
}
