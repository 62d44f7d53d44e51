import { useTranslation } from 'react-i18next'
import type { Schemas } from '@/api/client'
import { Badge } from '@/components/ui/Badge'
import { Checkbox } from '@/components/ui/Checkbox'
import { bytes } from '@/i18n/format'

export interface ModelChoiceProps {
  models: readonly Schemas['ModelObject'][]
  /** In the order they were chosen: the first is what others are compared with. */
  chosen: readonly string[]
  onChange: (chosen: string[]) => void
  error?: string
}

export function ModelChoice({ models, chosen, onChange, error }: ModelChoiceProps) {
  const { t } = useTranslation('bench')
  return (
    <fieldset className="flex min-w-0 flex-col gap-2">
      <legend className="mb-1 text-sm font-medium">{t('form.models')}</legend>
      <div className="grid max-h-72 grid-cols-[repeat(auto-fill,minmax(min(100%,19rem),1fr))] gap-1.5 overflow-y-auto rounded-lg border border-line p-2">
        {models.map(({ id, format, quantisation, size }) => (
          <div key={id} className="flex min-h-9 flex-wrap content-center items-center gap-x-2 gap-y-1 rounded-md px-2 py-1 hover:bg-hover">
            <Checkbox
              label={<span className="break-all">{id}</span>}
              checked={chosen.includes(id)}
              onCheckedChange={(checked) => onChange(checked ? [...chosen, id] : chosen.filter((each) => each !== id))}
            />
            <span className="ml-auto flex shrink-0 items-center gap-1.5">
              {quantisation !== '' && <Badge>{quantisation}</Badge>}
              <Badge tone={format === 'mlx' ? 'mlx' : 'gguf'}>{format.toUpperCase()}</Badge>
              <span className="tabular w-16 text-right text-xs text-ink-3">{bytes(size)}</span>
            </span>
          </div>
        ))}
      </div>
      <p
        role={error === undefined ? undefined : 'alert'}
        className={error === undefined ? 'text-xs text-ink-3' : 'text-xs text-bad'}
      >
        {error ?? t('form.modelsHelp')}
      </p>
    </fieldset>
  )
}
