import { Pencil, Play, RefreshCw, ChevronDown } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { cn } from '@/components/ui/cn'
import { CopyButton } from '@/components/ui/CopyButton'
import { IconButton } from '@/components/ui/IconButton'
import { Menu } from '@/components/ui/Menu'
import { useConversation } from './conversation'
import { StateDot } from './ModelPicker'
import { markdownOf } from './transcript'
import type { Message } from './types'

/** What can be done with a message; always in sight on the last, on the others when one is there. */
export function MessageActions({ message, isLast, onEdit }: { message: Message; isLast: boolean; onEdit: () => void }) {
  const { t } = useTranslation('chat')
  const { actions, models, model, isBusy, attempt } = useConversation()
  const isAnswer = message.role === 'assistant'
  const goesOn = isAnswer && (message.status !== 'complete' || message.finish_reason === 'length') && message.parts.some((part) => part.type === 'text')
  return (
    <div className={cn('flex items-center', !isLast && 'opacity-0 group-focus-within/message:opacity-100 group-hover/message:opacity-100 [@media(hover:none)]:opacity-100')}>
      {goesOn && isLast && (
        <IconButton size="sm" label={t('message.goOn')} icon={<Play />} disabled={isBusy} onClick={() => attempt(() => actions.goOn(message, message.model ?? model))} />
      )}
      {!isAnswer && isLast && (
        <IconButton size="sm" label={t('message.ask')} icon={<RefreshCw />} disabled={isBusy} onClick={() => attempt(() => actions.answer(message, model))} />
      )}
      <CopyButton size="sm" text={() => markdownOf(message)} label={t('message.copy')} />
      <IconButton size="sm" label={t('message.edit')} icon={<Pencil />} disabled={isBusy} onClick={onEdit} />
      {isAnswer && message.parent_id !== null && (
        <>
          <IconButton size="sm" label={t('message.again')} icon={<RefreshCw />} disabled={isBusy} onClick={() => attempt(() => actions.regenerate(message, model))} />
          <Menu
            trigger={<IconButton size="sm" label={t('message.againWith')} icon={<ChevronDown />} disabled={isBusy} className="w-6" />}
            groups={[
              models.map((one) => ({
                label: one.id,
                icon: <StateDot model={one} />,
                hint: one.quantisation,
                checked: one.id === message.model,
                onSelect: () => attempt(() => actions.regenerate(message, one.id)),
              })),
            ]}
          />
        </>
      )}
    </div>
  )
}
