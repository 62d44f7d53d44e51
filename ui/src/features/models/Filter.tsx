import { Search } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Field } from '@/components/ui/Field'
import { Select } from '@/components/ui/Select'
import type { Wanted } from './entries'

export interface FilterProps {
  wanted: Wanted
  onChange: (wanted: Wanted) => void
}

/** What of the list is shown, and in which order. */
export function Filter({ wanted, onChange }: FilterProps) {
  const { t } = useTranslation('models')
  return (
    <div role="search" className="flex flex-wrap gap-2">
      <Field
        className="min-w-0 grow basis-full md:basis-60"
        type="search"
        label={t('filter.label')}
        hideLabel
        placeholder={t('filter.placeholder')}
        value={wanted.text}
        onValueChange={(text) => onChange({ ...wanted, text })}
        suffix={<Search className="size-4" aria-hidden="true" />}
      />
      <Select
        className="grow md:w-40 md:grow-0"
        label={t('filter.format')}
        hideLabel
        value={wanted.format}
        onValueChange={(format) => onChange({ ...wanted, format })}
        choices={[
          { value: 'all', label: t('filter.allFormats') },
          { value: 'gguf', label: 'GGUF' },
          { value: 'mlx', label: 'MLX' },
          { value: 'remote', label: 'API' },
        ]}
      />
      <Select
        className="grow md:w-40 md:grow-0"
        label={t('filter.state')}
        hideLabel
        value={wanted.state}
        onValueChange={(state) => onChange({ ...wanted, state })}
        choices={[
          { value: 'all', label: t('filter.allStates') },
          { value: 'loaded', label: t('filter.loaded') },
          { value: 'unloaded', label: t('filter.unloaded') },
          { value: 'failed', label: t('filter.failed') },
        ]}
      />
      <Select
        className="grow md:w-40 md:grow-0"
        label={t('filter.sort')}
        hideLabel
        value={wanted.sort}
        onValueChange={(sort) => onChange({ ...wanted, sort })}
        choices={[
          { value: 'name', label: t('filter.byName') },
          { value: 'size', label: t('filter.bySize') },
          { value: 'used', label: t('filter.byUsed') },
          { value: 'state', label: t('filter.byState') },
        ]}
      />
    </div>
  )
}
