// What the test bench asks, and how. Pure but for the store, which lasts as long as the tab.
import { createStore } from 'zustand'

export interface AskSettings {
  readonly source: 'installed' | 'hub' | 'file'
  readonly model: string
  readonly repo: string
  readonly file: string
  readonly path: string
  readonly context: string
  readonly layers: string
  readonly stream: boolean
  readonly maxTokens: string
}

export const FRESH: AskSettings = {
  source: 'installed',
  model: '',
  repo: '',
  file: '',
  path: '',
  context: '',
  layers: '',
  stream: true,
  maxTokens: '256',
}

export const askSettings = createStore<AskSettings>(() => FRESH)

export type Problem = 'model' | 'repo' | 'file' | 'path' | 'context' | 'layers' | 'maxTokens'

export function problemsOf(said: AskSettings): Problem[] {
  const problems: Problem[] = []
  if (said.source === 'installed' && said.model === '') problems.push('model')
  if (said.source === 'hub' && !/^[\w.-]+\/[\w.-]+$/u.test(said.repo.trim())) problems.push('repo')
  if (said.source === 'hub' && !/\.gguf$/iu.test(said.file.trim())) problems.push('file')
  if (said.source === 'file' && !/^(?:\/|[a-z]:[\\/])/iu.test(said.path.trim())) problems.push('path')
  if (said.context !== '' && !isWhole(said.context, 1)) problems.push('context')
  if (said.layers !== '' && !isWhole(said.layers, -1)) problems.push('layers')
  if (said.source === 'installed' && (!isWhole(said.maxTokens, 1) || Number(said.maxTokens) > 1 << 20))
    problems.push('maxTokens')
  return problems
}

/** What is tested, in few words. */
export function nameOf(said: AskSettings): string {
  if (said.source === 'installed') return said.model
  return said.source === 'hub' ? `${said.repo}: ${said.file}` : (said.path.split(/[\\/]/u).at(-1) ?? '')
}

export interface Ask {
  readonly path: string
  readonly body: Record<string, unknown>
}

/** The request of one question; each is asked by itself. */
export function askOf(said: AskSettings, prompt: string): Ask {
  if (said.source === 'installed') {
    const body = { model: said.model, prompt, stream: said.stream, max_tokens: Number(said.maxTokens) }
    return { path: '/api/v1/benchmarks/ask', body }
  }
  const local = said.source === 'file'
  const filename = (local ? said.path : said.file).trim()
  const params = {
    ...(said.context !== '' && { n_ctx: Number(said.context) }),
    ...(said.layers !== '' && { n_gpu_layers: Number(said.layers) }),
  }
  const body = {
    ...(!local && { repo_id: said.repo.trim() }),
    filename,
    model_params: params,
    prompt,
    stream: said.stream,
    local,
  }
  return { path: '/api/chat/completions', body }
}

/** The load options of an installed model, as its settings have them; null where none is said. */
export function loadOptions(said: AskSettings): Record<string, number> | null {
  const options = {
    ...(said.context !== '' && { context: Number(said.context) }),
    ...(said.layers !== '' && { gpu_layers: Number(said.layers) }),
  }
  return said.source === 'installed' && Object.keys(options).length > 0 ? options : null
}

function isWhole(text: string, least: number): boolean {
  return /^-?\d{1,9}$/u.test(text.trim()) && Number(text) >= least
}
