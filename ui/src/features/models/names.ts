// Ids, paths and repositories as they are typed. Pure.

export type IdProblem = 'empty' | 'long' | 'letters' | 'taken'

/** What is wrong with a model's id: the server's own rule, and the names that there are. */
export function idProblem(id: string, taken: readonly string[]): IdProblem | null {
  if (id === '') return 'empty'
  if (id.length > 128) return 'long'
  if (!/^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u.test(id)) return 'letters'
  return taken.some((name) => name.toLowerCase() === id.toLowerCase()) ? 'taken' : null
}

/** The id that a file or a folder would get: its name, with what an id cannot have made a dash. */
export function suggestedId(path: string): string {
  const name = (path.replace(/[\\/]+$/, '').split(/[\\/]/).pop() ?? '').replace(/\.gguf$/i, '')
  return name.replace(/-\d{5}-of-\d{5}$/, '').replaceAll(/[^\p{L}\p{N}_.-]+/gu, '-').replace(/^[.-]+/, '').slice(0, 128)
}

export interface Repo {
  repo: string
  /** A file or a quantisation of it. */
  choice: string | null
}

/** `owner/name`, `owner/name:Q4_K_M`, `owner/name/file.gguf` or the address of any of its pages; null for what is none. */
export function repoOf(text: string): Repo | null {
  const said = text.trim().replace(/^https?:\/\/[^/]+\//, '').replace(/[?#].*$/, '').replace(/\/+$/, '')
  const match = /^(?:hf\.co\/|huggingface\.co\/)?([\w][\w.-]*\/[\w][\w.-]*?)(?:(?::|\/)(.+))?$/.exec(said)
  if (match === null || said.includes('..')) return null
  const [, repo = '', rest] = match
  if (rest === undefined) return { repo, choice: null }
  const file = /^(?:blob|resolve)\/[^/]+\/(.+)$/.exec(rest)?.[1]
  if (file !== undefined) return { repo, choice: file }
  return rest.startsWith('tree/') ? { repo, choice: null } : { repo, choice: rest }
}

/** A path without its folders. */
export function fileName(path: string): string {
  return path.split(/[\\/]/).pop() ?? path
}
