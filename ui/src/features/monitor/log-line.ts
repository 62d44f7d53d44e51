import type { Schemas } from '@/api/client'
import { withoutEscapes } from './ansi'
import { levelOf, type Line } from './log-filter'

export type NumberedLine = Schemas['NumberedLine']

const SHOWN_ELSEWHERE = new Set(['number', 'source', 'timestamp', 'level', 'message', 'model', 'exception', 'dropped'])

/** A line as the server sends it, for reading: the message, what belongs to it as `key=value`, then a trace. */
export function lineOf(said: NumberedLine): Line {
  const pairs = Object.entries(said)
    .filter(([key]) => !SHOWN_ELSEWHERE.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const trace = typeof said['exception'] === 'string' ? `\n${said['exception']}` : ''
  const text = [said.message ?? '', ...pairs].join('  ') + trace
  return {
    number: said.number,
    stamp: said.timestamp ?? '',
    at: clock(said.timestamp),
    level: levelOf(said.level),
    source: said.source,
    model: typeof said['model'] === 'string' ? said['model'] : undefined,
    text,
    plain: withoutEscapes(text),
  }
}

/** A line as a file holds it. */
export function written(line: Line): string {
  return `${line.stamp} ${line.level.padEnd(7)} ${line.model ?? line.source} ${line.plain}`
}

function clock(stamp: string | null | undefined): string {
  const moment = new Date(stamp ?? '')
  if (Number.isNaN(moment.getTime())) return ''
  const two = (part: number) => String(part).padStart(2, '0')
  const thousandths = String(moment.getMilliseconds()).padStart(3, '0')
  return `${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}.${thousandths}`
}
