// The log of this tab: kept while the page is away, and gone on with when it is there again.
import { hub } from '@/realtime/hub'
import type { HubEvent } from '@/realtime/topics'
import type { Schemas } from '@/api/client'
import { LogBuffer } from './log-buffer'
import { lineOf } from './log-line'

export const logs = new LogBuffer()

export function hearLog(buffer: LogBuffer, event: HubEvent): void {
  if (event.type === 'resync') return
  const { lines, dropped } = event.data as Schemas['LogLines']
  buffer.push(lines.map(lineOf), dropped)
}

hub.on('logs', (event) => hearLog(logs, event))
