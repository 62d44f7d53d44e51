import { memo, useState } from 'react'
import { CircleCheck, CircleDashed, CircleX, ChevronRight, Wrench } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/Button'
import { cn } from '@/components/ui/cn'
import { Spinner } from '@/components/ui/Spinner'
import { TextArea } from '@/components/ui/TextArea'
import { CodeBlock } from '@/markdown/CodeBlock'
import { pretty } from './json'
import type { ToolCallPart } from './types'

export type ToolState = 'writing' | 'waiting' | 'ok' | 'stopped'

/** A tool that the model calls: what with, and what came of it. Where nothing has come, a person can answer for the tool. */
export const ToolCall = memo(function ToolCall(props: {
  call: ToolCallPart
  state: ToolState
  result: string | null
  onAnswer: ((result: string) => void) | null
}) {
  const { t } = useTranslation('chat')
  const { call, state, result, onAnswer } = props
  const [isOpen, setOpen] = useState(false)
  const [answer, setAnswer] = useState('')
  const Icon = { writing: Spinner, waiting: CircleDashed, ok: CircleCheck, stopped: CircleX }[state]
  return (
    <div className="my-2 overflow-hidden rounded-lg border border-line">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="flex w-full items-center gap-2 px-3 py-2 text-left text-base hover:bg-hover"
      >
        <Wrench aria-hidden size={14} className="shrink-0 text-ink-3" />
        <span className="truncate font-mono text-sm font-medium">{call.name === '' ? t('tool.unnamed') : call.name}</span>
        <span className={cn('ml-auto flex shrink-0 items-center gap-1 text-xs', state === 'ok' ? 'text-good' : 'text-ink-3')}>
          <Icon aria-hidden size={14} />
          {t(`tool.${state}`)}
        </span>
        <ChevronRight aria-hidden size={14} className={cn('shrink-0 text-ink-3 transition-transform', isOpen && 'rotate-90')} />
      </button>
      {isOpen && (
        <div className="border-t border-line px-3 py-2">
          <p className="text-xs text-ink-3">{t('tool.arguments')}</p>
          <CodeBlock code={pretty(call.arguments)} language="json" isOpen={state === 'writing'} />
          {result !== null && (
            <>
              <p className="text-xs text-ink-3">{t('tool.result')}</p>
              <CodeBlock code={pretty(result)} language={result.trimStart().startsWith('{') ? 'json' : ''} isOpen={false} />
            </>
          )}
        </div>
      )}
      {state === 'waiting' && onAnswer !== null && (
        <form
          className="flex flex-col gap-2 border-t border-line px-3 py-2"
          onSubmit={(event) => {
            event.preventDefault()
            if (answer.trim() !== '') onAnswer(answer)
          }}
        >
          <TextArea
            label={t('tool.answer')}
            description={t('tool.answerHelp')}
            value={answer}
            onValueChange={setAnswer}
            rows={2}
          />
          <div>
            <Button type="submit" size="sm" disabled={answer.trim() === ''}>
              {t('tool.send')}
            </Button>
          </div>
        </form>
      )}
    </div>
  )
})
