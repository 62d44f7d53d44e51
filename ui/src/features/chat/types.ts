/** The shapes of conversations, as the server's OpenAPI document has them. */

export interface TextPart {
  type: 'text'
  text: string
}
export interface ReasoningPart {
  type: 'reasoning'
  text: string
  seconds: number | null
}
export interface ToolCallPart {
  type: 'tool_call'
  id: string
  name: string
  arguments: string
}
export interface ToolResultPart {
  type: 'tool_result'
  tool_call_id: string
  text: string
}
export interface FilePart {
  type: 'image' | 'audio' | 'file'
  file_id: string
  name: string
  media_type: string
  bytes: number
}
export type Part = TextPart | ReasoningPart | ToolCallPart | ToolResultPart | FilePart

export interface Usage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
  prompt_tokens_details: { cached_tokens: number }
  completion_tokens_details?: { reasoning_tokens: number } | null
}

export interface Timings {
  queued_ms: number
  loading_ms: number
  ttft_ms: number | null
  total_ms: number
  cache_n: number | null
  prompt_n: number | null
  prompt_ms: number | null
  prompt_per_second: number | null
  predicted_n: number | null
  predicted_ms: number | null
  predicted_per_second: number | null
}

export interface Failure {
  code: string
  message: string
  param: string | null
}

export type Status = 'streaming' | 'complete' | 'stopped' | 'error'
export type Params = Record<string, unknown>

export interface Message {
  id: string
  parent_id: string | null
  role: 'user' | 'assistant' | 'tool' | 'system'
  parts: Part[]
  model: string | null
  params: Params | null
  usage: Usage | null
  timings: Timings | null
  finish_reason: 'stop' | 'length' | 'tool_calls' | null
  status: Status
  error: Failure | null
  run_id: string | null
  created_at: number
}

export interface Summary {
  id: string
  title: string
  title_by: 'words' | 'user'
  folder: string | null
  pinned: boolean
  leaf_id: string | null
  model: string | null
  system_prompt: string
  params: Params
  created_at: number
  updated_at: number
  running: string | null
}

export interface Chat extends Summary {
  messages: Message[]
}

export interface Listed extends Summary {
  hit: string | null
  hit_id: string | null
}
