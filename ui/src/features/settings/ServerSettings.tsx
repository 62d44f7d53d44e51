import { useTranslation } from 'react-i18next'
import { Card } from '@/components/ui/Card'
import { Fetched } from '@/components/ui/Fetched'
import { SkeletonList } from '@/components/ui/Skeleton'
import { list } from '@/i18n/format'
import { SHOWN, valueOf } from './fields'
import { Row } from './Row'
import { useConfig } from './use-config'

/** How the server is reached: shown, and changed in the file alone. */
export function ServerSettings() {
  const { t } = useTranslation('settings')
  const query = useConfig()
  const words = (value: unknown): string => {
    if (typeof value === 'boolean') return t(value ? 'config.yes' : 'config.no')
    if (Array.isArray(value)) return value.length === 0 ? t('config.none') : list(value as string[])
    return value === null || value === undefined ? t('config.none') : String(value as string | number)
  }
  return (
    <Fetched query={query} pending={<SkeletonList rows={6} />}>
      {(config) => (
        <Card title={t('sections.server')} description={t('config.readOnly')}>
          {SHOWN.map((key) => (
            <Row key={key} label={t(`field.${key}`)} help={<code className="font-mono text-xs">{key}</code>}>
              <span className="font-mono text-sm break-all">{words(valueOf(config, key))}</span>
            </Row>
          ))}
          {config.path !== null && <p className="mt-3 text-sm break-all text-ink-3">{config.path}</p>}
        </Card>
      )}
    </Fetched>
  )
}
