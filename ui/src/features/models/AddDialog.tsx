import { useTranslation } from 'react-i18next'
import { Dialog } from '@/components/ui/Dialog'
import { Tabs } from '@/components/ui/Tabs'
import { FromFound } from './FromFound'
import { FromHub } from './FromHub'
import { FromPath } from './FromPath'
import { usePlace } from './use-place'

const WAYS = ['local', 'hub', 'found'] as const

/** The ways to have another model here. */
export function AddDialog() {
  const { t } = useTranslation('models')
  const [place, go] = usePlace()
  const way = WAYS.find((one) => one === place.add)
  const close = () => go({ add: undefined })
  if (way === undefined) return null
  const content = { local: <FromPath onDone={close} />, hub: <FromHub onDone={() => go({ add: undefined, tab: 'downloads' })} />, found: <FromFound onDone={close} /> }
  return (
    <Dialog holds="input" open onOpenChange={(open) => !open && close()} title={t('addDialog.title')} size="lg">
      <Tabs
        // The tabs stay where they are, whichever is open.
        className="min-h-88 pb-2"
        label={t('addDialog.title')}
        value={way}
        onValueChange={(add) => go({ add }, true)}
        tabs={WAYS.map((one) => ({ value: one, label: t(`addDialog.${one}`), content: content[one] }))}
      />
    </Dialog>
  )
}
