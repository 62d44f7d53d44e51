export const LEVELS = ['debug', 'info', 'warning', 'error'] as const
export type Level = (typeof LEVELS)[number]

/** A line as it is kept: `text` is what is shown and searched, with the colours of a terminal where there are any. */
export interface Line {
  readonly number: number
  /** When, as the server says it. */
  readonly stamp: string
  /** When, by the clock of whoever looks. */
  readonly at: string
  readonly level: Level
  readonly source: 'gateway' | 'worker'
  readonly model: string | undefined
  readonly text: string
  /** `text` without escapes; the same string where there are none. */
  readonly plain: string
}

export interface LogFilter {
  /** This level and those above it. */
  readonly level: Level
  /** "" is all, `gateway` and `worker` are what they say, `model:ID` is one model's workers. */
  readonly source: string
  /** Words to look for in any case, or a regular expression between slashes. */
  readonly query: string
}

export const EVERYTHING: LogFilter = { level: 'debug', source: '', query: '' }

export type Test = (line: Line) => boolean

/** What a filter means, or what is wrong with its regular expression. */
export type Compiled = { readonly test: Test } | { readonly error: string }

const EXPRESSION = /^\/(.+)\/([imsu]*)$/su

export function compile(filter: LogFilter): Compiled {
  const words = wording(filter.query)
  if ('error' in words) return words
  const least = LEVELS.indexOf(filter.level)
  const { source } = filter
  const model = source.startsWith('model:') ? source.slice('model:'.length) : undefined
  return {
    test: (line) =>
      LEVELS.indexOf(line.level) >= least &&
      (source === '' || (model === undefined ? line.source === source : line.model === model)) &&
      words.test(line),
  }
}

/** The level of a line: what the server calls critical is an error, and what it does not name is information. */
export function levelOf(said: string | null | undefined): Level {
  const level = said === 'critical' ? 'error' : said
  return LEVELS.find((each) => each === level) ?? 'info'
}

function wording(query: string): Compiled {
  if (query === '') return { test: () => true }
  const [, body, flags] = EXPRESSION.exec(query) ?? []
  if (body === undefined) {
    const wanted = query.toLowerCase()
    return { test: (line) => shown(line).toLowerCase().includes(wanted) }
  }
  try {
    const expression = new RegExp(body, flags)
    return { test: (line) => expression.test(shown(line)) }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

/** All of a line that a reader sees, so that what is seen is found. */
export function shown(line: Line): string {
  return `${line.at} ${line.level} ${line.model ?? line.source} ${line.plain}`
}
