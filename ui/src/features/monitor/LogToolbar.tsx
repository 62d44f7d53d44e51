import { ArrowDownToLine, Download, Pause, Play, Trash2, WrapText } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { CopyButton } from '@/components/ui/CopyButton'
import { Field } from '@/components/ui/Field'
import { IconButton } from '@/components/ui/IconButton'
import { Select } from '@/components/ui/Select'
import { LEVELS, type Level } from './log-filter'
import { written } from './log-line'
import { logs } from './logs'

export interface LogToolbarProps {
  wrap: boolean
  onWrap: (wrap: boolean) => void
  following: boolean
  onFollow: (following: boolean) => void
}

export function LogToolbar({ wrap, onWrap, following, onFollow }: LogToolbarProps) {
  const { t } = useTranslation('monitor')
  const { filter } = logs
  const sources = [
    { value: 'all', label: t('logs.all') },
    { value: 'gateway', label: t('logs.gateway') },
    { value: 'worker', label: t('logs.worker') },
    ...logs.models.map((model) => ({ value: `model:${model}`, label: model })),
  ]
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Select
        label={t('logs.source')}
        hideLabel
        value={filter.source === '' ? 'all' : filter.source}
        onValueChange={(source) => logs.setFilter({ ...filter, source: source === 'all' ? '' : source })}
        choices={sources}
        className="min-w-32 flex-1 sm:max-w-40"
      />
      <Select<Level>
        label={t('logs.level')}
        hideLabel
        value={filter.level}
        onValueChange={(level) => logs.setFilter({ ...filter, level })}
        choices={LEVELS.map((value) => ({ value, label: t(`logs.atLeast.${value}`) }))}
        className="min-w-36 flex-1 sm:max-w-48"
      />
      <Field
        label={t('logs.query')}
        hideLabel
        type="search"
        spellCheck={false}
        autoComplete="off"
        placeholder={t('logs.placeholder')}
        value={filter.query}
        aria-invalid={logs.error === undefined ? undefined : true}
        onValueChange={(query) => logs.setFilter({ ...filter, query })}
        className="min-w-48 flex-3"
      />
      <div className="flex gap-0.5">
        <IconButton
          label={logs.paused ? t('logs.resume') : t('logs.pause')}
          icon={logs.paused ? <Play /> : <Pause />}
          onClick={() => {
            if (logs.paused) logs.resume()
            else logs.pause()
          }}
        />
        <IconButton
          label={t('logs.follow')}
          aria-pressed={following}
          className={PRESSED}
          icon={<ArrowDownToLine />}
          onClick={() => onFollow(!following)}
        />
        <IconButton
          label={t('logs.wrap')}
          aria-pressed={wrap}
          className={PRESSED}
          icon={<WrapText />}
          onClick={() => onWrap(!wrap)}
        />
        <CopyButton label={t('logs.copy')} text={all} />
        <IconButton label={t('logs.download')} icon={<Download />} onClick={download} />
        <IconButton label={t('logs.clear')} icon={<Trash2 />} onClick={() => logs.clear()} />
      </div>
    </div>
  )
}

const PRESSED = 'aria-pressed:bg-accent-soft aria-pressed:text-accent-ink'

function all(): string {
  return `${logs.shown().map(written).join('\n')}\n`
}

function download(): void {
  const address = URL.createObjectURL(new Blob([all()], { type: 'text/plain' }))
  const link = document.createElement('a')
  link.href = address
  link.download = `dovetail-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.log`
  link.click()
  URL.revokeObjectURL(address)
}
