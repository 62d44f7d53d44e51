/** The shapes of conversations, as the server's OpenAPI document has them. */
import type { Schemas } from '@/api/client'

export type Message = Schemas['ChatMessage']
export type Part = Message['parts'][number]
export type ToolCallPart = Schemas['ChatToolCallPart']
export type FilePart = Schemas['ChatFilePart']
export type Usage = Schemas['UsageAnswer']
export type Timings = Schemas['ChatTimings']
export type Failure = Schemas['ChatError']
export type Status = Message['status']
export type Params = Record<string, unknown>
export type Summary = Schemas['ChatSummary']
export type Chat = Schemas['ChatObject']
export type Listed = Schemas['ChatListed']
