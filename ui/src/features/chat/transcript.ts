/** Conversations and messages as Markdown: for the clipboard, for files, and as material for a summary. */
import type { Message, Part } from './types'

/** What a message says, without its thoughts; tool calls and files by name. */
export function markdownOf(message: Pick<Message, 'parts'>): string {
  return message.parts
    .map(partText)
    .filter((text) => text !== '')
    .join('\n\n')
}

function partText(part: Part): string {
  switch (part.type) {
    case 'text':
      return part.text
    case 'reasoning':
      return ''
    case 'tool_call':
      return `${part.name}(${part.arguments})`
    case 'tool_result':
      return part.text
    case 'image':
    case 'audio':
    case 'file':
      return `[${part.name}]`
  }
}

/** The code of the last fence in an answer, or null. */
export function lastCode(text: string): string | null {
  const fences = [...text.matchAll(/^ {0,3}(`{3,}|~{3,})[^\n]*\n([\s\S]*?)^ {0,3}\1[ \t]*$/gm)]
  return fences.at(-1)?.[2]?.replace(/\n$/, '') ?? null
}

/** A branch as one text, of at most `limit` characters: the middle is left out first, the newest kept. */
export function transcript(
  path: readonly Message[],
  names: { user: string; assistant: string },
  limit: number,
): string {
  const turns = path
    .filter((message) => message.role === 'user' || message.role === 'assistant')
    .map((message) => `${message.role === 'user' ? names.user : names.assistant}: ${markdownOf(message)}`)
  const kept: string[] = []
  let left = limit
  for (const turn of turns.toReversed()) {
    if (turn.length + 2 > left) {
      if (left > 200) kept.push(`… ${turn.slice(turn.length - left + 10)}`)
      break
    }
    kept.push(turn)
    left -= turn.length + 2
  }
  return kept.toReversed().join('\n\n')
}

/** A name for a file: the title without what file systems refuse. */
export function fileName(title: string, ending: string): string {
  const name = title
    .replace(/[\\/:*?"<>|\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, 80)
  return `${name === '' ? 'chat' : name}.${ending}`
}
