import { Eye, EyeOff } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { Button } from '@/components/ui/Button'
import { CopyButton } from '@/components/ui/CopyButton'
import { IconButton } from '@/components/ui/IconButton'
import { Select } from '@/components/ui/Select'
import { guideKey } from './key'
import { KeyDialog } from './KeyDialog'
import { masked } from './place'
import type { Target } from './request'

export interface TargetBarProps {
  target: Target
  models: readonly Schemas['ModelObject'][]
  onModel: (model: string) => void
  isKeyNeeded: boolean
}

/** What the examples are filled in with. */
export function TargetBar({ target, models, onModel, isKeyNeeded }: TargetBarProps) {
  const { t } = useTranslation('guide')
  return (
    <section className="grid grid-cols-[repeat(auto-fit,minmax(min(100%,15rem),1fr))] gap-4 rounded-xl border border-line bg-surface p-4 shadow-sm *:min-w-0">
      <div className="flex flex-col gap-1">
        <h2 className="text-sm font-medium">{t('base')}</h2>
        <div className="flex min-h-8 items-center gap-1">
          <code className="min-w-0 font-mono text-sm break-all">{target.base}</code>
          <CopyButton label={t('copyBase')} text={target.base} />
        </div>
        <p className="text-xs text-ink-3">{t('baseHelp')}</p>
      </div>
      {models.length > 0 ? (
        <Select
          label={t('model')}
          value={target.model}
          onValueChange={onModel}
          choices={models.map(({ id, format, quantisation }) => ({
            value: id,
            label: id,
            hint: [format.toUpperCase(), quantisation].filter(Boolean).join(' · '),
          }))}
        />
      ) : (
        <div className="flex flex-col gap-1">
          <h2 className="text-sm font-medium">{t('model')}</h2>
          <p className="text-sm text-ink-2">{t('noModels')}</p>
        </div>
      )}
      <TheKey value={target.key} isNeeded={isKeyNeeded} />
    </section>
  )
}

function TheKey({ value, isNeeded }: { value: string; isNeeded: boolean }) {
  const { t } = useTranslation('guide')
  const [isShown, setShown] = useState(false)
  const [isOpen, setOpen] = useState(false)
  return (
    <div className="flex flex-col gap-1">
      <h2 className="text-sm font-medium">{t('key')}</h2>
      <div className="flex min-h-8 flex-wrap items-center gap-1">
        {value === '' ? (
          <>
            {!isNeeded && <span className="mr-2 text-sm text-ink-2">{t('keyNone')}</span>}
            <Button size="sm" variant={isNeeded ? 'primary' : 'secondary'} onClick={() => setOpen(true)}>
              {t('keyUse')}
            </Button>
          </>
        ) : (
          <>
            <code className="min-w-0 font-mono text-sm break-all" data-testid="guide-key">
              {isShown ? value : masked(value)}
            </code>
            <IconButton
              label={t(isShown ? 'keyHide' : 'keyShow')}
              icon={isShown ? <EyeOff /> : <Eye />}
              onClick={() => setShown(!isShown)}
            />
            <CopyButton label={t('keyCopy')} text={value} />
            <Button size="sm" variant="ghost" onClick={() => guideKey.setState('', true)}>
              {t('keyForget')}
            </Button>
          </>
        )}
      </div>
      {value === '' && isNeeded && <p className="text-xs text-warn">{t('keyNeeded')}</p>}
      <KeyDialog open={isOpen} onOpenChange={setOpen} isNeeded={isNeeded} />
    </div>
  )
}
