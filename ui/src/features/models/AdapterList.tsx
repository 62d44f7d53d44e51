import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Puzzle } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { api } from '@/api/client'
import { keys } from '@/api/keys'
import { Badge } from '@/components/ui/Badge'
import { Button, buttonClass } from '@/components/ui/Button'
import { EmptyState } from '@/components/ui/EmptyState'
import { Fetched } from '@/components/ui/Fetched'
import { Reason } from '@/components/ui/Reason'
import { SkeletonList } from '@/components/ui/Skeleton'
import { toast } from '@/components/ui/Toast'
import type { Entry } from './entries'
import { adaptersQuery } from './queries'
import { useMayAsk } from './use-models'

/** The adapters of a model's format, which of them fit, and the one that is used by default. */
export function AdapterList({ entry }: { entry: Entry }) {
  const { t } = useTranslation('models')
  const client = useQueryClient()
  const mayAsk = useMayAsk()
  const query = useQuery(adaptersQuery(entry.id))
  const none = (
      <EmptyState icon={<Puzzle />} title={t('adapters.none')}>
        {t('adapters.noneHelp')}
      </EmptyState>
  )
  const use = async (adapter: string | null) => {
    try {
      await api.PATCH('/api/v1/models/{id}', { params: { path: { id: entry.id } }, body: { settings: { adapter } } })
      toast.success(t('done.saved', { model: entry.id }))
    } catch (failure) {
      toast.failure(failure)
    }
    await client.invalidateQueries({ queryKey: keys.models })
  }
  return (
    <Fetched query={query} pending={<SkeletonList rows={3} />}>
      {(data) => (
        data.data.length === 0 ? none : <ul className="divide-y divide-line rounded-lg border border-line">
          {data.data.map((adapter) => {
            const isDefault = data.default === adapter.name
            const name = `${entry.id}+${adapter.name}`
            return (
              <li key={adapter.name} className="flex flex-wrap items-center gap-3 px-3 py-2.5">
                <div className="min-w-0 flex-1">
                  <p className="flex flex-wrap items-center gap-2 font-medium">
                    {adapter.name}
                    <Badge tone={adapter.problem === null ? 'good' : 'bad'}>{t(adapter.problem === null ? 'adapters.fits' : 'adapters.not')}</Badge>
                    {isDefault && <Badge tone="accent">{t('adapters.default')}</Badge>}
                  </p>
                  <p className="text-sm break-words text-ink-2">{adapter.problem === null ? t('adapters.ask', { id: name }) : <Reason>{adapter.problem}</Reason>}</p>
                </div>
                {adapter.problem === null && mayAsk && (
                  <Link to="/chat" search={{ model: name }} className={buttonClass({ size: 'sm' })}>
                    {t('action.chat')}
                    <span className="sr-only"> {name}</span>
                  </Link>
                )}
                {(adapter.problem === null || isDefault) && (
                  <Button size="sm" onClick={() => void use(isDefault ? null : adapter.name)}>
                    {t(isDefault ? 'adapters.drop' : 'adapters.use')}
                  </Button>
                )}
              </li>
            )
          })}
        </ul>
      )}
    </Fetched>
  )
}
