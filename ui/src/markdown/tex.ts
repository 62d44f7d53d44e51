/** Formulas as HTML. KaTeX is large: it is fetched with the first formula, and what it has made is kept. */
import type katex from 'katex'

const KEPT = 1000

type Katex = typeof katex

let loaded: Katex | null = null
let loading: Promise<void> | null = null
const listeners = new Set<() => void>()
const kept = new Map<string, string>()

export function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function isLoaded(): boolean {
  return loaded !== null
}

/** Fetches KaTeX once. After a failure the formulas stay as they were written, and the next one tries again. */
export async function load(): Promise<void> {
  loading ??= Promise.all([import('katex'), import('katex/dist/katex.min.css')]).then(
    ([module]) => {
      loaded = module.default
      for (const listener of listeners) listener()
    },
    () => {
      loading = null
    },
  )
  await loading
}

/** The formula as HTML, or null while KaTeX is on its way. What is wrong in a formula shows red, and is in its title. */
export function render(tex: string, isDisplay: boolean): string | null {
  if (loaded === null) return null
  const key = `${isDisplay ? 'd' : 'i'}${tex}`
  const before = kept.get(key)
  if (before !== undefined) return before
  const html = loaded.renderToString(tex, {
    displayMode: isDisplay,
    throwOnError: false,
    strict: 'ignore',
    trust: false,
    maxExpand: 200,
    maxSize: 50,
    output: 'htmlAndMathml',
  })
  kept.set(key, html)
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT) break
    kept.delete(oldest)
  }
  return html
}
