import { useTranslation } from 'react-i18next'
import { Badge } from '@/components/ui/Badge'
import { Field } from '@/components/ui/Field'
import { Reason } from '@/components/ui/Reason'
import { Select } from '@/components/ui/Select'
import { number } from '@/i18n/format'
import type { OPTIONS, Problem } from './options'

export interface OptionFieldProps {
  option: (typeof OPTIONS)[number]
  value: string
  onChange: (value: string) => void
  /** It is changed, and holds after another load. */
  reload: boolean
  problem: Problem | undefined
  /** What the server would not take, in its words. */
  refused: string | undefined
  /** What holds while nobody says otherwise. */
  automatic: string | undefined
}

/** One setting of a model. */
export function OptionField({ option, value, onChange, reload, problem, refused, automatic }: OptionFieldProps) {
  const { t } = useTranslation('models')
  const name = t(`option.${option.key}.name`)
  const help = t(`option.${option.key}.help`)
  const more = reload ? (
    <>
      <Badge tone="warn" className="mr-1.5 h-4">
        {t('load.reload')}
      </Badge>
      {help}
    </>
  ) : (
    help
  )
  const unset = automatic === undefined ? t('load.automatic') : t('load.automaticIs', { value: automatic })
  if (option.kind === 'flag' || option.kind === 'choice') {
    const choices =
      option.kind === 'flag'
        ? [
            { value: 'true', label: t('load.on') },
            { value: 'false', label: t('load.off') },
          ]
        : option.choices.map((one) => ({ value: one as string, label: one as string }))
    return (
      <div className="flex min-w-0 flex-col gap-1">
        <Select label={name} value={value} onValueChange={onChange} choices={[{ value: '', label: t('load.default') }, ...choices]} description={more} error={refused === undefined ? undefined : <Reason>{refused}</Reason>} />
      </div>
    )
  }
  const wrong =
    problem === undefined
      ? undefined
      : problem.kind === 'range'
        ? t('problem.range', { low: number(problem.low, 2), high: number(problem.high, 2) })
        : t(`problem.${problem.kind}`)
  const unit = option.kind === 'bytes' ? t('load.mib') : option.key === 'ttl' ? t('load.seconds') : undefined
  return (
    <Field
      label={name}
      value={value}
      onValueChange={onChange}
      description={more}
      error={refused === undefined ? wrong : <Reason>{refused}</Reason>}
      placeholder={option.kind === 'path' || option.kind === 'text' || option.kind === 'names' ? '' : unset}
      inputMode={option.kind === 'whole' || option.kind === 'number' || option.kind === 'bytes' ? 'decimal' : 'text'}
      autoComplete="off"
      spellCheck={false}
      suffix={unit}
    />
  )
}
