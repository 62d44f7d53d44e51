import './i18n'
import { Plus } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Badge } from '@/components/ui/Badge'
import { Button } from '@/components/ui/Button'
import { Page } from '@/components/ui/Page'
import { Tabs } from '@/components/ui/Tabs'
import { bytes } from '@/i18n/format'
import { useStandingPart } from '@/realtime/hub'
import { AddDialog } from './AddDialog'
import { Drawer } from './Drawer'
import { Installed } from './Installed'
import { RoomDialog } from './RoomDialog'
import { TakeOver } from './TakeOver'
import { Transfers } from './Transfers'
import { isUnderWay } from './progress'
import { useIsAdmin, useModels } from './use-models'
import { usePlace } from './use-place'

/** Which models there are: added, changed, loaded, unloaded, downloaded and removed here. */
export function ModelsPage() {
  const { t } = useTranslation('models')
  const [place, go] = usePlace()
  const isAdmin = useIsAdmin()
  const models = useModels()
  const add = () => go({ add: 'local' })
  const tab = isAdmin && place.tab === 'downloads' ? 'downloads' : 'installed'
  return (
    <Page
      title={t('title')}
      actions={
        <>
          {models.free !== null && <span className="tabular text-sm text-ink-2">{t('free', { size: bytes(models.free) })}</span>}
          {isAdmin && (
            <Button variant="primary" onClick={add}>
              <Plus />
              {t('add')}
            </Button>
          )}
        </>
      }
    >
      {isAdmin && <TakeOver />}
      {isAdmin ? (
        <Tabs
          label={t('tab.label')}
          value={tab}
          onValueChange={(next) => go({ tab: next === 'installed' ? undefined : next })}
          tabs={[
            { value: 'installed', label: <>{t('tab.installed')} {models.rows.length > 0 && <Badge>{models.rows.length}</Badge>}</>, content: <Installed onAdd={add} /> },
            { value: 'downloads', label: <DownloadsLabel />, content: <Transfers onAdd={() => go({ add: 'hub' })} /> },
          ]}
        />
      ) : (
        <Installed onAdd={add} />
      )}
      <Drawer />
      {isAdmin && (
        <>
          <AddDialog />
          <RoomDialog />
        </>
      )}
    </Page>
  )
}

/** With how many are under way; asked for by admins alone, who may hear of them. */
function DownloadsLabel() {
  const { t } = useTranslation('models')
  const moving = useStandingPart('downloads', ({ downloads }) => downloads?.filter(isUnderWay).length ?? 0)
  return (
    <>
      {t('tab.downloads')} {moving > 0 && <Badge tone="accent">{moving}</Badge>}
    </>
  )
}
