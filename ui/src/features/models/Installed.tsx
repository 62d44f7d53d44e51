import { Boxes, SearchX } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/Button'
import { EmptyState } from '@/components/ui/EmptyState'
import { Fetched } from '@/components/ui/Fetched'
import { SkeletonList } from '@/components/ui/Skeleton'
import { DeleteDialog } from './DeleteDialog'
import { families, filtered, type Family, type Wanted } from './entries'
import { Filter } from './Filter'
import { ModelRow } from './ModelRow'
import { useIsAdmin, useModels } from './use-models'
import { usePlace } from './use-place'

const ALL: Wanted = { text: '', format: 'all', state: 'all', sort: 'name' }

/** The models that there are, in families, and how each stands. */
export function Installed({ onAdd }: { onAdd: () => void }) {
  const { t } = useTranslation('models')
  const models = useModels()
  const isAdmin = useIsAdmin()
  const [wanted, setWanted] = useState<Wanted>(ALL)
  const [, go] = usePlace()
  const [deleting, setDeleting] = useState<string>()
  const found = useMemo(() => families(filtered(models.rows, wanted), wanted.sort), [models.rows, wanted])
  const nothing = (
      <EmptyState
        icon={<Boxes />}
        title={t('empty.title')}
        actions={isAdmin && <Button variant="primary" onClick={onAdd}>{t('add')}</Button>}
      >
        {t('empty.body')}
      </EmptyState>
  )
  return (
    <Fetched query={models} pending={<SkeletonList rows={5} rowClassName="h-16" />}>
      {() => (
        models.rows.length === 0 ? nothing : <div className="flex flex-col gap-4">
          <Filter wanted={wanted} onChange={setWanted} />
          {found.length === 0 && (
            <EmptyState icon={<SearchX />} title={t('filter.none')} actions={<Button onClick={() => setWanted(ALL)}>{t('filter.clear')}</Button>}>
              {t('filter.noneHelp')}
            </EmptyState>
          )}
          {found.map((family) => (
            <FamilyCard key={family.name} family={family} onOpen={(m, part) => go({ m, part })} onDelete={setDeleting} />
          ))}
          {deleting !== undefined && <DeleteDialog id={deleting} onClose={() => setDeleting(undefined)} />}
        </div>
      )}
    </Fetched>
  )
}

interface FamilyCardProps {
  family: Family
  onOpen: (id: string, part?: string) => void
  onDelete: (id: string) => void
}

function FamilyCard({ family: { name, rows }, onOpen, onDelete }: FamilyCardProps) {
  const { t } = useTranslation('models')
  const list = (
    <ul className="divide-y divide-line" aria-label={name}>
      {rows.map((row) => (
        <ModelRow key={row.entry.id} row={row} onOpen={(part) => onOpen(row.entry.id, part)} onDelete={() => onDelete(row.entry.id)} />
      ))}
    </ul>
  )
  return (
    <section className="overflow-hidden rounded-xl border border-line bg-surface shadow-sm">
      {rows.length > 1 && (
        <h2 className="flex items-baseline gap-2 border-b border-line bg-sunken px-4 py-2 text-base font-semibold">
          <span className="min-w-0 truncate">{name}</span>
          <span className="text-sm font-normal text-ink-3">{t('list.quants', { count: rows.length })}</span>
        </h2>
      )}
      {list}
    </section>
  )
}
