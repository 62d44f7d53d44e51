import { useTranslation } from 'react-i18next'
import { refusal } from '@/api/client'
import { Alert } from '@/components/ui/Alert'
import { Refusal } from '@/components/ui/Refusal'
import { Markdown } from '@/markdown/Markdown'
import { useConversation } from './conversation'
import { FileChip } from './FileChip'
import { Reasoning } from './Reasoning'
import { ToolCall, type ToolState } from './ToolCall'
import type { Message, Part } from './types'

/** What a model has written: thoughts, text and calls in their order, and why it ended where it did not end well. */
export function AssistantMessage({ message, results, isLast }: { message: Message; results: ReadonlyMap<string, string>; isLast: boolean }) {
  const { t } = useTranslation('chat')
  const isWritten = message.status === 'streaming'
  return (
    <div className="text-md">
      {message.parts.map((part, index) => (
        // Parts are only ever added: the place is the identity.
        // oxlint-disable-next-line react/no-array-index-key
        <PartView key={index} part={part} message={message} results={results} isGrowing={isWritten && index === message.parts.length - 1} isLast={isLast} />
      ))}
      {isWritten && message.parts.length === 0 && <p aria-hidden="true" className="h-6 w-2 animate-pulse rounded-sm bg-pressed" />}
      {message.error !== null && (
        <Alert tone="bad" title={t('message.failed')} className="mt-2">
          <Refusal error={refusal(message.error)} />
        </Alert>
      )}
      {message.status === 'stopped' && <p className="mt-1 text-sm text-ink-3">{t('message.stopped')}</p>}
      {message.status === 'complete' && message.finish_reason === 'length' && <p className="mt-1 text-sm text-ink-3">{t('message.cutShort')}</p>}
    </div>
  )
}

function PartView({ part, message, results, isGrowing, isLast }: {
  part: Part
  message: Message
  results: ReadonlyMap<string, string>
  isGrowing: boolean
  isLast: boolean
}) {
  const { actions, attempt, model, isBusy } = useConversation()
  switch (part.type) {
    case 'reasoning':
      return <Reasoning text={part.text} seconds={part.seconds} tokens={message.usage?.completion_tokens_details?.reasoning_tokens ?? null} isGrowing={isGrowing} />
    case 'text':
      return <Markdown text={part.text} isGrowing={isGrowing} />
    case 'tool_call': {
      const result = results.get(part.id) ?? null
      const state: ToolState = isGrowing ? 'writing' : result !== null ? 'ok' : message.status === 'stopped' || message.status === 'error' ? 'stopped' : 'waiting'
      const answers = isLast && !isBusy ? (said: string) => attempt(() => actions.answerTool(message.id, part.id, said, model)) : null
      return <ToolCall call={part} state={state} result={result} onAnswer={answers} />
    }
    case 'tool_result':
      return null
    case 'image':
    case 'audio':
    case 'file':
      return <FileChip file={part} />
  }
}
