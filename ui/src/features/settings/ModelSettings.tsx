import { useTranslation } from 'react-i18next'
import { Alert } from '@/components/ui/Alert'
import { Card } from '@/components/ui/Card'
import { ErrorState } from '@/components/ui/ErrorState'
import { SkeletonList } from '@/components/ui/Skeleton'
import { GROUPS } from './fields'
import { SettingRow } from './SettingRow'
import { useConfig } from './use-config'

export function ModelSettings() {
  const { t } = useTranslation('settings')
  const { data: config, error, refetch } = useConfig()
  if (error !== null) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (config === undefined) return <SkeletonList rows={6} />
  return (
    <>
      {config.problem !== null && (
        <Alert tone="bad" title={t('config.problem')}>
          {config.problem}
        </Alert>
      )}
      {GROUPS.map(({ name, fields }) => (
        <Card key={name} title={t(`config.${name}`)}>
          {fields.map((field) => (
            <SettingRow key={field.key} field={field} config={config} />
          ))}
        </Card>
      ))}
      <p className="text-sm break-words text-ink-3">{config.path === null ? t('config.noFile') : t('config.file', { path: config.path })}</p>
    </>
  )
}
