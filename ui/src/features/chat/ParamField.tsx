import { useEffect, useId, useState } from 'react'
import { RotateCcw } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { cn } from '@/components/ui/cn'
import { boxClass, inputClass } from '@/components/ui/Field'
import { number } from '@/i18n/format'
import { fallback, type Field, hasSlider, read, shown } from './params'
import type { Params } from './types'

/** One parameter: empty it is what the model or the server takes, which stands there; bold it is this conversation's own. */
export function ParamField({ field, params, advice, onChange }: {
  field: Field
  params: Params
  advice: Readonly<Record<string, number>> | undefined
  onChange: (value: unknown) => void
}) {
  const { t } = useTranslation('chat')
  const id = useId()
  const now = shown(field, params)
  const [written, setWritten] = useState(now)
  useEffect(() => setWritten(now), [now])
  const isOwn = params[field.name] !== undefined
  const standard = fallback(field, advice)
  const found = read(field, written)
  const wrong = 'wrong' in found ? t(`wrong.${found.wrong}`, { low: number(field.low ?? 0, 3), high: number(field.high ?? 0, 3) }) : null
  const commit = (text: string) => {
    const next = read(field, text)
    if ('value' in next && text !== now) onChange(next.value)
  }
  const isTall = field.kind === 'lines' || field.kind === 'json' || field.kind === 'text'
  const shared = {
    id,
    value: written,
    placeholder: standard === null ? t(`fieldEmpty.${field.name as 'seed'}`, { defaultValue: '' }) : String(standard),
    spellCheck: false,
    'aria-invalid': wrong === null ? undefined : true,
    'aria-describedby': `${id}-more`,
  }
  return (
    <div className="flex flex-col gap-1" data-param={field.name} data-own={isOwn}>
      <div className="flex min-h-6 items-center gap-2">
        <label htmlFor={id} className={cn('min-w-0 flex-1 truncate text-sm', isOwn ? 'font-bold' : 'font-medium text-ink-2')}>
          {t(`field.${field.name as 'seed'}`)}
          {isOwn && <span className="sr-only"> {t('params.own')}</span>}
        </label>
        {isOwn && (
          <button type="button" aria-label={t('params.reset', { name: t(`field.${field.name as 'seed'}`) })} title={t('params.resetOne')} onClick={() => onChange(undefined)} className="grid size-6 place-items-center rounded-sm text-ink-3 hover:bg-hover hover:text-ink">
            <RotateCcw aria-hidden size={12} />
          </button>
        )}
        {!isTall && (
          <span className={cn(boxClass, 'w-24 shrink-0')}>
            <input {...shared} inputMode="decimal" onChange={(event) => setWritten(event.target.value)} onBlur={() => commit(written)} onKeyDown={(event) => event.key === 'Enter' && commit(written)} className={cn(inputClass, 'tabular h-7 text-right', isOwn && 'font-bold')} />
          </span>
        )}
      </div>
      {hasSlider(field) && (
        <input
          type="range"
          aria-label={t(`field.${field.name as 'seed'}`)}
          min={field.low}
          max={field.high}
          step={field.step}
          value={'value' in found && typeof found.value === 'number' ? found.value : (standard ?? field.low)}
          onChange={(event) => {
            setWritten(event.target.value)
            commit(event.target.value)
          }}
          className={cn('h-4 w-full accent-(--accent)', !isOwn && 'opacity-60')}
        />
      )}
      {isTall && (
        <span className={boxClass}>
          <textarea {...shared} rows={field.kind === 'lines' ? 2 : 3} onChange={(event) => setWritten(event.target.value)} onBlur={() => commit(written)} className={cn(inputClass, 'field-sizing-content max-h-64 py-1.5 font-mono text-sm')} />
        </span>
      )}
      <p id={`${id}-more`} className={cn('text-xs', wrong === null ? 'text-ink-3' : 'text-bad')} role={wrong === null ? undefined : 'alert'}>
        {wrong ?? t(`fieldHelp.${field.name as 'seed'}`)}
      </p>
    </div>
  )
}
