import { useTranslation } from 'react-i18next'
import { UnsavedGuard } from '@/app/UnsavedGuard'
import { Alert } from '@/components/ui/Alert'
import { Card } from '@/components/ui/Card'
import { Fetched } from '@/components/ui/Fetched'
import { SkeletonList } from '@/components/ui/Skeleton'
import { GROUPS } from './fields'
import { SettingRow } from './SettingRow'
import { Speech } from './Speech'
import { useConfig } from './use-config'

export function ModelSettings() {
  const { t } = useTranslation('settings')
  const query = useConfig()
  return (
    <Fetched query={query} pending={<SkeletonList rows={6} />}>
      {(config) => (
        <>
          {config.problem !== null && (
            <Alert tone="bad" title={t('config.problem')}>
              <span lang="en">{config.problem}</span>
            </Alert>
          )}
          {GROUPS.map(({ name, fields }) => (
            <Card key={name} title={t(`config.${name}`)}>
              {fields.map((field) => (
                <SettingRow key={field.key} field={field} config={config} />
              ))}
            </Card>
          ))}
          <Speech config={config} />
          <p className="text-sm break-words text-ink-3">{config.path === null ? t('config.noFile') : t('config.file', { path: config.path })}</p>
          <UnsavedGuard />
        </>
      )}
    </Fetched>
  )
}
