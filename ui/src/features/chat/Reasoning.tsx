import { memo, useEffect, useRef, useState } from 'react'
import { Brain, ChevronRight } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { cn } from '@/components/ui/cn'
import { duration, number } from '@/i18n/format'
import { Markdown } from '@/markdown/Markdown'

/** Thoughts stay open this long after their end, unless the reader has opened or closed them. */
const CLOSES_AFTER = 1000

/** What the model thought: open while it thinks. */
export const Reasoning = memo(function Reasoning(props: {
  text: string
  seconds: number | null
  tokens: number | null
  isGrowing: boolean
}) {
  const { t } = useTranslation('chat')
  const { text, seconds, tokens, isGrowing } = props
  const [isOpen, setOpen] = useState(isGrowing)
  const isTouched = useRef(false)
  const wasGrowing = useRef(isGrowing)
  useEffect(() => {
    if (isTouched.current) return undefined
    if (isGrowing) {
      wasGrowing.current = true
      setOpen(true)
      return undefined
    }
    if (!wasGrowing.current) return undefined
    const timer = setTimeout(() => !isTouched.current && setOpen(false), CLOSES_AFTER)
    return () => clearTimeout(timer)
  }, [isGrowing])
  const count = tokens === null ? '' : ` (${t('message.tokens', { count: tokens, tokens: number(tokens) })})`
  const label = isGrowing ? t('reasoning.now') : seconds === null || seconds < 0.1 ? t('reasoning.done') : t('reasoning.for', { time: duration(seconds) })
  return (
    <div className="my-2">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => {
          isTouched.current = true
          setOpen(!isOpen)
        }}
        className="-ml-1.5 inline-flex items-center gap-1.5 rounded-md px-1.5 py-1 text-sm text-ink-3 hover:bg-hover hover:text-ink"
      >
        <Brain aria-hidden size={14} className={cn(isGrowing && 'animate-pulse text-accent-ink')} />
        <span>
          {label}
          {!isGrowing && count}
        </span>
        <ChevronRight aria-hidden size={14} className={cn('transition-transform', isOpen && 'rotate-90')} />
      </button>
      {isOpen && <Thoughts text={text} isGrowing={isGrowing} />}
    </div>
  )
})

function Thoughts({ text, isGrowing }: { text: string; isGrowing: boolean }) {
  const { t } = useTranslation('chat')
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    // Only while it is written, and only where the reader has not gone up in it.
    const element = box.current
    if (element === null || !isGrowing || text === '') return
    if (element.scrollHeight - element.scrollTop - element.clientHeight < 80) element.scrollTop = element.scrollHeight
  }, [text, isGrowing])
  return (
    <div
      ref={box}
      role="region"
      aria-label={t('reasoning.label')}
      tabIndex={0}
      className="mt-1 max-h-64 overflow-y-auto rounded-sm border-l-2 border-line pl-3 text-ink-2 [&_.markdown]:text-base"
    >
      <Markdown text={text} isGrowing={isGrowing} />
    </div>
  )
}
