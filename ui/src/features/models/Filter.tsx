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
    <div role="search" className="grid grid-cols-3 gap-2 md:grid-cols-[minmax(0,1fr)_repeat(3,10rem)]">
      <Field
        className="col-span-3 md:col-span-1"
        type="search"
        label={t('filter.label')}
        hideLabel
        placeholder={t('filter.placeholder')}
        value={wanted.text}
        onValueChange={(text) => onChange({ ...wanted, text })}
        suffix={<Search className="size-4" aria-hidden="true" />}
      />
      <Select
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
