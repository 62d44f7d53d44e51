import { Combobox } from '@base-ui/react/combobox'
import { AudioLines, Brain, Check, ChevronDown, Eye, Wrench } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Badge } from '@/components/ui/Badge'
import { cn } from '@/components/ui/cn'
import { Dot } from '@/components/ui/Dot'
import { bytes, number } from '@/i18n/format'
import type { Model } from './use-models'

const ABLE = [
  ['vision', Eye],
  ['audio', AudioLines],
  ['thinking', Brain],
  ['tools', Wrench],
] as const

const TONES = { ready: 'good', starting: 'warn', stopping: 'warn', failed: 'bad', unloaded: 'off' } as const

export function StateDot({ model }: { model: Model }) {
  return <Dot tone={TONES[model.state]} pulse={model.state === 'starting'} />
}

/** Chooses the model of a conversation; choosing one loads it. */
export function ModelPicker(props: {
  models: readonly Model[]
  value: string | null
  onChoose: (id: string) => void
  label: string
  className?: string
}) {
  const { t } = useTranslation('chat')
  const { models, value, onChoose, label } = props
  const chosen = models.find((one) => one.id === value) ?? null
  return (
    <Combobox.Root<Model>
      items={models}
      value={chosen}
      itemToStringLabel={(model) => `${model.id} ${model.quantisation} ${model.format} ${model.aliases.join(' ')}`}
      isItemEqualToValue={(a, b) => a.id === b.id}
      onValueChange={(model) => {
        if (model !== null) onChoose(model.id)
      }}
      autoHighlight
    >
      <Combobox.Trigger
        aria-label={`${label}: ${value ?? t('model.none')}`}
        data-testid="model-picker"
        className={cn(
          'flex h-9 min-w-0 items-center gap-2 rounded-md px-2 text-left text-base font-medium hover:bg-hover',
          props.className,
        )}
      >
        {chosen !== null && <StateDot model={chosen} />}
        <span className="truncate">{value ?? t('model.none')}</span>
        {chosen !== null && chosen.quantisation !== '' && (
          <span className="hidden shrink-0 text-xs font-normal text-ink-3 sm:inline">{chosen.quantisation}</span>
        )}
        {chosen !== null && chosen.state !== 'unloaded' && (
          <span className={cn('hidden shrink-0 text-xs font-normal sm:inline', chosen.state === 'ready' ? 'text-good' : 'text-ink-3')}>{t(`model.${chosen.state}`)}</span>
        )}
        <ChevronDown aria-hidden size={14} className="shrink-0 text-ink-3" />
      </Combobox.Trigger>
      <Combobox.Portal>
        <Combobox.Positioner align="start" sideOffset={4} collisionPadding={8} className="z-50 outline-none">
          <Combobox.Popup
            aria-label={label}
            className="popup flex max-h-[min(28rem,var(--available-height))] w-[min(26rem,calc(100vw-1rem))] flex-col rounded-lg border border-line bg-raised text-ink shadow-lg outline-none"
          >
            <div className="border-b border-line p-2">
              <Combobox.Input
                placeholder={t('model.search')}
                aria-label={t('model.search')}
                className="h-8 w-full rounded-md border border-line-strong/60 bg-surface px-2.5 text-base placeholder:text-ink-3"
              />
            </div>
            <Combobox.Empty className="text-base text-ink-2 not-empty:p-4">{t('model.nothing')}</Combobox.Empty>
            <Combobox.List className="min-h-0 overflow-y-auto p-1">
              {(model: Model) => (
                <Combobox.Item
                  key={model.id}
                  value={model}
                  className="flex items-center gap-2.5 rounded-md px-2.5 py-1.5 outline-none select-none data-highlighted:bg-hover"
                >
                  <StateDot model={model} />
                  <span className="min-w-0 flex-1">
                    <span className="block truncate text-base font-medium">{model.id}</span>
                    <span className="tabular block truncate text-xs text-ink-3">
                      {t(`model.${model.state}`)}
                      {model.context > 0 && ` · ${t('model.context', { tokens: number(model.context) })}`}
                      {model.size > 0 && ` · ${bytes(model.size)}`}
                    </span>
                  </span>
                  <Able model={model} />
                  <Badge tone={model.format === 'gguf' || model.format === 'mlx' ? model.format : 'neutral'}>
                    {model.format === 'remote' ? t('model.remote') : model.format.toUpperCase()}
                  </Badge>
                  {model.quantisation !== '' && <span className="shrink-0 text-xs text-ink-3">{model.quantisation}</span>}
                  <Combobox.ItemIndicator>
                    <Check aria-hidden size={14} className="text-accent-ink" />
                  </Combobox.ItemIndicator>
                </Combobox.Item>
              )}
            </Combobox.List>
          </Combobox.Popup>
        </Combobox.Positioner>
      </Combobox.Portal>
    </Combobox.Root>
  )
}

function Able({ model }: { model: Model }) {
  const { t } = useTranslation('chat')
  const able = ABLE.filter(([name]) => model.capabilities.includes(name))
  if (able.length === 0) return null
  return (
    <span className="flex shrink-0 gap-1 text-ink-3">
      {able.map(([name, Icon]) => (
        <span key={name} role="img" aria-label={t(`able.${name}`)} title={t(`able.${name}`)}>
          <Icon aria-hidden size={14} />
        </span>
      ))}
    </span>
  )
}
