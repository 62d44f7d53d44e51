/** The code of a page could not be fetched: the server is away, or has been updated. */
export class CodeMissing extends Error {
  constructor(cause: unknown) {
    super('the code of this page could not be fetched', { cause })
    this.name = 'CodeMissing'
  }
}

/** `load`, whose failure is told: left as it is, the router would load the whole page anew, with all that is in it. */
export function code<T>(load: () => Promise<T>): () => Promise<T> {
  return () =>
    load().catch((cause: unknown) => {
      throw new CodeMissing(cause)
    })
}
