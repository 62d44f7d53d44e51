import { useState } from 'react'
import { Link } from '@tanstack/react-router'
import { PanelLeft, Pencil, SlidersHorizontal, SquarePen } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { buttonClass } from '@/components/ui/Button'
import { cn } from '@/components/ui/cn'
import { IconButton } from '@/components/ui/IconButton'
import { ContextRing, type ContextActions } from './ContextRing'
import type { Meter } from './meter'
import { ModelPicker } from './ModelPicker'
import { NameDialog } from './NameDialog'
import type { Chat } from './types'
import { useFiling } from './use-filing'
import type { Model } from './use-models'

/** The model, the title, how full the context is, and the way to history and parameters. */
export function ChatHeader(props: {
  chat: Chat | null
  models: readonly Model[]
  model: string | null
  onModel: (id: string) => void
  meter: Meter
  context: ContextActions
  isBusy: boolean
  onHistory: () => void
  onPanel: () => void
  isPanelOpen: boolean
}) {
  const { t } = useTranslation('chat')
  const { chat } = props
  const { rename } = useFiling()
  const [isNaming, setNaming] = useState(false)
  return (
    <header className="flex h-12 shrink-0 items-center gap-1 border-b border-line px-2">
      <IconButton label={t('header.history')} icon={<PanelLeft />} onClick={props.onHistory} data-testid="toggle-history" />
      <ModelPicker models={props.models} value={props.model} onChoose={props.onModel} label={t('header.model')} className="max-w-[60%] md:max-w-80" />
      <span className="hidden min-w-0 flex-1 items-center justify-center gap-1 md:flex">
        {chat !== null && (
          <>
            <span className="truncate text-base text-ink-2" data-testid="chat-title">
              {chat.title === '' ? t('history.untitled') : chat.title}
            </span>
            <IconButton size="sm" label={t('history.rename')} icon={<Pencil className="size-3.5!" />} onClick={() => setNaming(true)} />
            <NameDialog open={isNaming} onClose={() => setNaming(false)} title={t('history.rename')} label={t('history.title')} value={chat.title} onSave={(name) => rename(chat, name)} />
          </>
        )}
      </span>
      <span className="flex-1 md:hidden" />
      {chat !== null && <ContextRing meter={props.meter} actions={props.context} isBusy={props.isBusy} />}
      <Link to="/chat" search={{}} aria-label={t('history.new')} title={t('history.new')} className={cn(buttonClass({ variant: 'ghost' }), 'w-8 px-0 md:hidden')}>
        <SquarePen />
      </Link>
      <IconButton label={t('header.params')} icon={<SlidersHorizontal />} aria-expanded={props.isPanelOpen} onClick={props.onPanel} data-testid="toggle-params" />
    </header>
  )
}
