import { Check, ChevronRight, Link2 } from 'lucide-react'
import { useEffect, useId, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { cn } from '@/components/ui/cn'
import { IconButton } from '@/components/ui/IconButton'
import { useCopy } from '@/hooks/clipboard'
import { CodeBlock } from '@/markdown/CodeBlock'
import '@/markdown/markdown.css'
import { hashOf, masked } from './place'
import { NAMES, type Language, type Target, type Task } from './request'
import { snippet } from './snippets'

export interface LanguageCardProps {
  language: Language
  task: Task
  target: Target
  isOpen: boolean
  onOpenChange: (open: boolean) => void
  /** It is what the address of the page names: to be brought into sight. */
  isWanted: boolean
}

const HIGHLIGHT: Record<Language, string> = {
  curl: 'bash',
  javascript: 'javascript',
  react: 'javascript',
  python: 'python',
  java: 'java',
  csharp: 'csharp',
  cpp: 'cpp',
}

/** The example in one language, behind its name until it is asked for. */
export function LanguageCard({ language, task, target, isOpen, onOpenChange, isWanted }: LanguageCardProps) {
  const { t } = useTranslation('guide')
  const id = useId()
  const { copied, copy } = useCopy()
  const card = useRef<HTMLElement>(null)
  useEffect(() => {
    if (isWanted) card.current?.scrollIntoView({ block: 'nearest' })
  }, [isWanted])
  return (
    <section ref={card} className="rounded-xl border border-line bg-surface shadow-sm">
      <h3>
        <button
          type="button"
          id={`${id}-head`}
          aria-expanded={isOpen}
          aria-controls={`${id}-code`}
          onClick={() => onOpenChange(!isOpen)}
          className="flex w-full items-center gap-2.5 rounded-xl px-4 py-3 text-left text-md font-semibold hover:bg-hover/60"
        >
          <ChevronRight
            aria-hidden="true"
            className={cn('size-4 text-ink-3 transition-transform', isOpen && 'rotate-90')}
          />
          <span className="flex-1">{NAMES[language]}</span>
        </button>
      </h3>
      <div id={`${id}-code`} role="region" aria-labelledby={`${id}-head`} hidden={!isOpen} className="px-4 pb-3">
        {isOpen && (
          <>
            <p className="flex items-center gap-1 text-sm text-ink-2">
              <span className="flex-1">{t(`needs.${language}`)}</span>
              <IconButton
                label={t('link')}
                icon={copied ? <Check className="text-good" /> : <Link2 />}
                size="sm"
                onClick={() => copy(location.origin + location.pathname + hashOf({ language, task }))}
              />
            </p>
            <CodeBlock
              code={snippet(language, task, { ...target, key: masked(target.key) }).trimEnd()}
              full={snippet(language, task, target)}
              language={HIGHLIGHT[language]}
              isOpen={false}
            />
          </>
        )}
      </div>
    </section>
  )
}
