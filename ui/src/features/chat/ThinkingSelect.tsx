import { Brain } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/Button'
import { cn } from '@/components/ui/cn'
import { Menu } from '@/components/ui/Menu'
import { THINKING, thinkingOf, withThinking } from './params'
import type { Params } from './types'

/** How long the model may think before it answers. */
export function ThinkingSelect({ params, onParams }: { params: Params; onParams: (params: Params) => void }) {
  const { t } = useTranslation('chat')
  const now = thinkingOf(params)
  return (
    <Menu
      align="start"
      side="top"
      trigger={
        <Button variant="ghost" className={cn('px-2', now !== 'auto' && 'text-accent-ink')} aria-label={t('think.label', { now: t(`think.${now}`) })}>
          <Brain />
          <span className="text-sm">{t(`think.${now}`)}</span>
        </Button>
      }
      groups={[THINKING.map((one) => ({ label: t(`think.${one}`), hint: t(`think.${one}Hint`), checked: one === now, onSelect: () => onParams(withThinking(params, one)) }))]}
    />
  )
}
