/** What a run tells, event by event, and what it comes to. Pure. */
import type { Schemas } from '@/api/client'
import type { Failure, Message, Part, Status, Timings, Usage } from './types'

/** What goes on, with the numbers that belong to it; the others are null. */
export type Phase = Omit<Schemas['RunPhase'], 'seq' | 'type'>

/** `part` is the place among the message's parts; `snapshot` is what a listener begins with. */
export type RunEvent = Schemas['RunEvent']

export const STARTING: Phase = {
  phase: 'starting',
  position: null,
  wait: null,
  model: null,
  progress: null,
  total: null,
  cached: null,
  done: null,
  tokens: null,
  per_second: null,
}

/** A run as it is drawn. */
export interface RunView {
  readonly runId: string
  readonly chatId: string
  readonly messageId: string
  readonly seq: number
  readonly parts: readonly Part[]
  readonly phase: Phase
  readonly status: Status
  readonly usage: Usage | null
  readonly timings: Timings | null
  readonly finish: Message['finish_reason']
  readonly error: Failure | null
  /** Whether the connection to the server is lost for now; the run itself goes on. */
  readonly isCut: boolean
}

export interface RunName {
  readonly runId: string
  readonly chatId: string
  readonly messageId: string
}

/** Before the first event. */
export function begun(name: RunName, parts: readonly Part[] = []): RunView {
  return {
    ...name,
    seq: 0,
    parts,
    phase: STARTING,
    status: 'streaming',
    usage: null,
    timings: null,
    finish: null,
    error: null,
    isCut: false,
  }
}

/** The view after `event`; the same one for an event that it has seen, as a replay brings them. */
export function after(view: RunView, event: RunEvent): RunView {
  if (view.status !== 'streaming' || event.seq < view.seq) return view
  if (event.seq === view.seq && event.type !== 'snapshot') return view
  const next = { ...view, seq: event.seq }
  switch (event.type) {
    case 'snapshot':
      return { ...next, parts: event.message.parts, phase: event.phase ?? view.phase }
    case 'phase':
      return { ...next, phase: event }
    case 'delta':
      return { ...next, parts: longer(view.parts, event) }
    case 'tool_call':
      return { ...next, parts: called(view.parts, event) }
    case 'done': {
      const { parts, status, usage, timings, finish_reason: finish, error } = event.message
      return { ...next, parts, status: status === 'streaming' ? 'complete' : status, usage, timings, finish, error }
    }
  }
}

function longer(parts: readonly Part[], event: Extract<RunEvent, { type: 'delta' }>): readonly Part[] {
  const { part, kind, text } = event
  const old = parts[part]
  if (old?.type === kind) return parts.with(part, { ...old, text: old.text + text })
  return [...parts, kind === 'text' ? { type: kind, text } : { type: kind, text, seconds: null }]
}

function called(parts: readonly Part[], event: Extract<RunEvent, { type: 'tool_call' }>): readonly Part[] {
  const { part, id, name } = event
  const old = parts[part]
  if (old?.type === 'tool_call') return parts.with(part, { ...old, id, name, arguments: old.arguments + event.arguments })
  return [...parts, { type: 'tool_call', id, name, arguments: event.arguments }]
}

/**
 * The message as it is now: while its run writes it, what that has told last, over what was fetched.
 *
 * A message that is not written any more is as it was fetched: nobody may have heard its run to the end.
 */
export function withRun(message: Message, view: RunView | undefined): Message {
  if (view === undefined || message.status !== 'streaming' || view.runId !== message.run_id) return message
  return {
    ...message,
    parts: [...view.parts],
    status: view.status,
    usage: view.usage,
    timings: view.timings,
    finish_reason: view.finish,
    error: view.error,
    run_id: view.runId,
  }
}
