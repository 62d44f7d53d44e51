import { useQuery } from '@tanstack/react-query'
import { CircleHelp } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Alert } from '@/components/ui/Alert'
import { EmptyState } from '@/components/ui/EmptyState'
import { ErrorState } from '@/components/ui/ErrorState'
import { Fetched } from '@/components/ui/Fetched'
import { Sheet } from '@/components/ui/Sheet'
import { SkeletonList } from '@/components/ui/Skeleton'
import { Tabs } from '@/components/ui/Tabs'
import type { Schemas } from '@/api/client'
import { AdapterList } from './AdapterList'
import { Check } from './Check'
import { isLanguageModel, isLoaded, type Row } from './entries'
import { Files } from './Files'
import { LoadSettings } from './LoadSettings'
import { Metadata } from './Metadata'
import { Overview } from './Overview'
import { detailsQuery } from './queries'
import { Tensors } from './Tensors'
import { useIsAdmin, useModels } from './use-models'
import { usePlace } from './use-place'

type Part = 'overview' | 'load' | 'metadata' | 'tensors' | 'check' | 'files' | 'adapters'
const PARTS: readonly Part[] = ['overview', 'load', 'metadata', 'tensors', 'check', 'files', 'adapters']

/** All about one model, over the list. */
export function Drawer() {
  const { t } = useTranslation('models')
  const [place, go] = usePlace()
  const models = useModels()
  const { m } = place
  const row = models.rows.find((one) => one.entry.id === m)
  const loaded = models.rows.filter((one) => isLoaded(one.state)).map((one) => one.entry.id).join(' ')
  return (
    <Sheet wide open={m !== undefined} onOpenChange={(open) => !open && go({ m: undefined, part: undefined })} title={m ?? ''}>
      {row !== undefined && <About row={row} part={place.part} onPart={(part) => go({ part }, true)} version={models.version} loaded={loaded} />}
      {row === undefined && models.isPending && <SkeletonList rows={6} />}
      {row === undefined && models.isError && <ErrorState error={models.error} onRetry={() => void models.refetch()} />}
      {row === undefined && models.isSuccess && (
        <EmptyState icon={<CircleHelp />} title={t('drawer.gone', { model: m })}>
          {t('drawer.goneHelp')}
        </EmptyState>
      )}
    </Sheet>
  )
}

interface AboutProps {
  row: Row
  part: string | undefined
  onPart: (part: Part) => void
  version: string
  loaded: string
}

function About({ row, part, onPart, version, loaded }: AboutProps) {
  const { t } = useTranslation('models')
  const isAdmin = useIsAdmin()
  const { entry } = row
  const content: Record<Part, ReactNode> = {
    overview: <Overview row={row} />,
    load: <LoadSettings key={entry.id} row={row} version={version} loaded={loaded} />,
    metadata: <OfFiles row={row}>{(details) => <Metadata entries={details.metadata ?? []} />}</OfFiles>,
    tensors: <OfFiles row={row}>{(details) => <Tensors tensors={details.tensors} />}</OfFiles>,
    check: <OfFiles row={row}>{(details) => <Check id={entry.id} details={details} />}</OfFiles>,
    files: <OfFiles row={row}>{(details) => <Files entry={entry} details={details} />}</OfFiles>,
    adapters: <AdapterList entry={entry} />,
  }
  const shown = PARTS.filter((one) => {
    if (!isLanguageModel(entry.format)) return one === 'overview' || (one === 'load' && isAdmin)
    if (one === 'metadata') return entry.format === 'gguf'
    return isAdmin || (one !== 'load' && one !== 'adapters')
  })
  const wanted = shown.find((one) => one === part) ?? 'overview'
  return <Tabs label={t('drawer.label')} value={wanted} onValueChange={onPart} tabs={shown.map((one) => ({ value: one, label: t(`drawer.${one}`), content: content[one] }))} />
}

interface OfFilesProps {
  row: Row
  children: (details: Schemas['ModelDetails']) => ReactNode
}

/** What the model's files say, once they are read. */
function OfFiles({ row, children }: OfFilesProps) {
  const { t } = useTranslation('models')
  return (
    <Fetched query={useQuery(detailsQuery(row.entry.id))} pending={<SkeletonList rows={6} />}>
      {(data) => (
            <div className="flex flex-col gap-4">
          {data.problem !== null && data.problem !== undefined && (
            <Alert tone="bad" title={t('overview.problem')}>
              <span lang="en">{data.problem}</span>
            </Alert>
          )}
          {children(data)}
        </div>
      )}
    </Fetched>
  )
}
