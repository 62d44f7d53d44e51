import { memo } from 'react'
import { useTranslation } from 'react-i18next'
import { number, rate } from '@/i18n/format'
import type { Message } from './types'

const UNKNOWN = { predicted_per_second: null, ttft_ms: null, prompt_per_second: null, prompt_n: null }

/** An answer's figures, by the server's clock and the worker's; nothing is measured here. */
export const MessageFooter = memo(function MessageFooter({ message }: { message: Message }) {
  const { t } = useTranslation('chat')
  const { usage, timings } = message
  const said: { key: string; text: string; title?: string }[] = []
  if (usage !== null) said.push({ key: 'tokens', text: t('message.tokens', { count: usage.completion_tokens, tokens: number(usage.completion_tokens) }) })
  const { predicted_per_second: speed, ttft_ms: ttft, prompt_per_second: reading, prompt_n: read } = timings ?? UNKNOWN
  if (speed !== null) said.push({ key: 'rate', text: t('message.rate', { rate: rate(speed) }) })
  if (ttft !== null) said.push({ key: 'ttft', text: t('message.ttft', { seconds: rate(ttft / 1000) }), title: t('message.ttftHelp') })
  if (usage !== null) {
    const cached = usage.prompt_tokens_details.cached_tokens
    const prompt = t('message.prompt', { tokens: number(usage.prompt_tokens) })
    const at = reading !== null && (read ?? 0) > 0 ? ` @ ${t('message.rate', { rate: rate(reading) })}` : ''
    said.push({ key: 'prompt', text: (cached > 0 ? `${prompt} (${t('message.cached', { tokens: number(cached) })})` : prompt) + at })
  }
  if (message.model !== null) said.push({ key: 'model', text: message.model })
  const end = message.status === 'stopped' ? 'stopped' : message.finish_reason
  if (end !== null && end !== 'stop') said.push({ key: 'end', text: t(`finish.${end}`) })
  if (said.length === 0) return null
  return (
    <p
      className="tabular flex flex-wrap gap-x-1 text-xs text-ink-3"
      data-testid="message-footer"
      data-timings={timings === null ? undefined : JSON.stringify(timings)}
      data-usage={usage === null ? undefined : JSON.stringify(usage)}
    >
      {said.map((one, index) => (
        <span key={one.key} title={one.title} className="min-w-0 wrap-anywhere">
          {one.text}
          {index < said.length - 1 && <span aria-hidden>{'\u00A0·'}</span>}
        </span>
      ))}
    </p>
  )
})
