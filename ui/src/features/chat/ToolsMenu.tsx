import { useState } from 'react'
import { PencilLine, Plus, Wrench } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/Button'
import { cn } from '@/components/ui/cn'
import { Dialog } from '@/components/ui/Dialog'
import { Menu } from '@/components/ui/Menu'
import { choiceOf, TOOL_CHOICES, toolCount, withChoice, withTools } from './tools'
import { ToolsForm } from './ToolsForm'
import type { Params } from './types'

/** What the model may call: which tools, and whether it has to. */
export function ToolsMenu({ params, onParams }: { params: Params; onParams: (params: Params) => void }) {
  const { t } = useTranslation('chat')
  const [isOpen, setOpen] = useState(false)
  const count = toolCount(params)
  const choice = choiceOf(params)
  const isOn = count > 0 && choice !== 'none'
  const how = choice === null ? t('tools.named') : t(`tools.${choice}`)
  const choices = TOOL_CHOICES.map((one) => ({
    label: t(`tools.${one}`),
    checked: one === choice,
    onSelect: () => onParams(withChoice(params, one)),
  }))
  return (
    <>
      <Menu
        align="start"
        side="top"
        trigger={
          <Button variant="ghost" className={cn('px-2', isOn && 'text-accent-ink')} aria-label={count === 0 ? t('tools.empty') : t('tools.now', { count, how })}>
            <Wrench />
            {count === 0 ? <span className="hidden text-sm sm:inline">{t('tools.title')}</span> : <span className="tabular text-sm">{count}</span>}
          </Button>
        }
        groups={[...(count === 0 ? [] : [choices]), [{ label: t(count === 0 ? 'tools.add' : 'tools.edit'), icon: count === 0 ? <Plus /> : <PencilLine />, onSelect: () => setOpen(true) }]]}
      />
      <Dialog open={isOpen} onOpenChange={setOpen} title={t('tools.title')} description={t('tools.help')} size="lg" holds="input">
        <ToolsForm params={params} onSave={(tools) => onParams(withTools(params, tools))} onClose={() => setOpen(false)} />
      </Dialog>
    </>
  )
}
