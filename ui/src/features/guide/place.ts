import { LANGUAGES, TASKS, type Language, type Task } from './request'

/** An example, as an address names it: `#python-stream`. */
export interface Place {
  readonly language: Language
  readonly task: Task
}

export function placeOf(hash: string): Place | undefined {
  const [said = '', task = 'chat'] = hash.replace(/^#/u, '').split('-')
  const language = LANGUAGES.find((each) => each === said)
  const named = TASKS.find((each) => each === task)
  return language === undefined || named === undefined ? undefined : { language, task: named }
}

export function hashOf({ language, task }: Place): string {
  return `#${language}-${task}`
}

/** A key as it may stand on a screen: its last four characters. */
export function masked(key: string): string {
  return key === '' ? '' : `••••${key.length > 8 ? key.slice(-4) : ''}`
}
