/** What the examples are filled in with. `key` is empty where this server asks for none. */
export interface Target {
  /** With scheme and port, without a path: `http://127.0.0.1:8080`. */
  readonly base: string
  readonly model: string
  readonly key: string
}

export const TASKS = ['chat', 'stream', 'tools', 'embeddings'] as const
export type Task = (typeof TASKS)[number]

export const LANGUAGES = ['curl', 'javascript', 'react', 'python', 'java', 'csharp', 'cpp'] as const
export type Language = (typeof LANGUAGES)[number]

/** What each calls itself, in every language of the interface. */
export const NAMES: Readonly<Record<Language, string>> = {
  curl: 'curl',
  javascript: 'JavaScript',
  react: 'React',
  python: 'Python',
  java: 'Java',
  csharp: 'C#',
  cpp: 'C++',
}

export type Examples = Readonly<Record<Task, (target: Target) => string>>

export const QUESTION = 'What is the capital of France?'
export const TOOL_QUESTION = 'What is the weather in Paris?'
export const SENTENCES = ['The cat sat on the mat.', 'A kitten rested on the rug.'] as const

const TOOL = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather in a city',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
}

export function path(task: Task): string {
  return task === 'embeddings' ? '/v1/embeddings' : '/v1/chat/completions'
}

/** The body of a request, as JSON has it. */
export function body(task: Task, model: string): Record<string, unknown> {
  if (task === 'embeddings') return { model, input: SENTENCES }
  const messages = [{ role: 'user', content: task === 'tools' ? TOOL_QUESTION : QUESTION }]
  if (task === 'stream') return { model, messages, stream: true }
  return task === 'tools' ? { model, messages, tools: [TOOL] } : { model, messages }
}

/** The body as several lines of JSON, with short parts on one line. */
export function json(task: Task, model: string): string {
  return pretty(body(task, model), '', 88)
}

/** JSON that breaks only what does not fit into `width`. */
export function pretty(value: unknown, indent: string, width: number): string {
  const flat = spaced(value)
  if (indent.length + flat.length <= width && indent !== '') return flat
  const deeper = `${indent}  `
  if (Array.isArray(value)) {
    const items = value.map((each) => deeper + pretty(each, deeper, width))
    return items.length === 0 ? '[]' : `[\n${items.join(',\n')}\n${indent}]`
  }
  if (typeof value === 'object' && value !== null) {
    const items = Object.entries(value).map(([key, each]) => {
      return `${deeper}${JSON.stringify(key)}: ${pretty(each, deeper, width)}`
    })
    return items.length === 0 ? '{}' : `{\n${items.join(',\n')}\n${indent}}`
  }
  return flat
}

function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const items = Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${spaced(each)}`)
    return items.length === 0 ? '{}' : `{ ${items.join(', ')} }`
  }
  return JSON.stringify(value)
}
