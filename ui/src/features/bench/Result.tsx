import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Alert } from '@/components/ui/Alert'
import { Badge } from '@/components/ui/Badge'
import { Card } from '@/components/ui/Card'
import { EmptyState } from '@/components/ui/EmptyState'
import { Fetched } from '@/components/ui/Fetched'
import { Reason } from '@/components/ui/Reason'
import { Select } from '@/components/ui/Select'
import { SkeletonList } from '@/components/ui/Skeleton'
import { bytes, dotted, list, moment, number } from '@/i18n/format'
import { Exports } from './Exports'
import { benchmark, benchmarks } from './queries'
import { ResultCharts } from './ResultCharts'
import { ResultTable } from './ResultTable'
import { rowsOf, type Benchmark } from './rows'
import { nameOf } from './SavedRuns'

const NONE = 'none'

/** One benchmark: what it was measured on, its figures as a table and drawn, as files, beside another one. */
export function Result({ id }: { id: string }) {
  const query = useQuery(benchmark(id))
  const coming = (
    <Card>
      <SkeletonList rows={5} />
    </Card>
  )
  return (
    <Fetched query={query} pending={coming}>
      {(shown) => <Shown id={id} shown={shown} />}
    </Fetched>
  )
}

function Shown({ id, shown }: { id: string; shown: Benchmark }) {
  const { t } = useTranslation('bench')
  const { data: all = [] } = useQuery(benchmarks)
  const [against, setAgainst] = useState(NONE)
  const rows = rowsOf(shown).filter(
    (row) => row.result !== undefined || row.model.failed !== null || row.model.load !== null,
  )
  const others = all.filter(
    (other) => other.id !== id && (other.models ?? []).some((model) => shown.plan.models.includes(model.model)),
  )
  const baseline = others.find((other) => other.id === against)
  const disturbed = (shown.models ?? []).reduce((sum, model) => sum + (model.disturbed ?? 0), 0)
  return (
    <Card
      title={
        <span className="flex flex-wrap items-center gap-2">
          {nameOf(shown)}
          {shown.state !== 'done' && (
            <Badge tone={shown.state === 'failed' ? 'bad' : 'accent'}>
              {t(`result.states.${shown.state ?? 'running'}`)}
            </Badge>
          )}
        </span>
      }
      description={<Facts run={shown} />}
    >
      <div className="flex flex-col gap-5">
        <Exports id={id} baseline={baseline?.id} />
        {/* Of one that waits it is what it waits for, which stands above. */}
        {shown.error && shown.state !== 'waiting' && <Alert tone="warn" title={t('result.ended')}><Reason>{shown.error}</Reason></Alert>}
        {rows.length === 0 ? (
          <EmptyState title={t('result.none')}>{t('result.noneHelp')}</EmptyState>
        ) : (
          <>
            <div className="flex flex-wrap items-end justify-between gap-3">
              <p className="max-w-prose text-sm text-ink-2">
                {t(baseline ? 'result.bestHelpBaseline' : 'result.bestHelp')}
                {disturbed > 0 && ` ${t('result.disturbed', { count: disturbed })}.`}
              </p>
              {others.length > 0 && (
                <Select
                  label={t('saved.compare')}
                  value={baseline ? against : NONE}
                  onValueChange={setAgainst}
                  choices={[
                    { value: NONE, label: t('saved.nothing') },
                    ...others.map((other) => ({ value: other.id, label: nameOf(other), hint: moment(other.began) })),
                  ]}
                  className="w-64"
                />
              )}
            </div>
            <ResultTable rows={rows} baseline={baseline} />
            <ResultCharts rows={rows} />
          </>
        )}
      </div>
    </Card>
  )
}

function Facts({ run: { setup, plan, began } }: { run: Benchmark }) {
  const { t } = useTranslation('bench')
  const gpus = setup.gpus.length > 0 ? list(setup.gpus) : t('result.noGpu')
  const facts = t('result.facts', {
    processor: setup.processor,
    cores: number(setup.cores),
    memory: bytes(setup.memory, 1024),
    gpus,
  })
  const repeats = `${t('result.plan', { count: plan.repeats ?? 0 })}${plan.warmup ? `, ${t('result.warmup')}` : ''}`
  const versions = setup.versions.map((pair) => pair.join(' ')).join(', ')
  return (
    <>
      <span className="block">{dotted([moment(began), repeats])}</span>
      <span className="block">{dotted([facts, setup.system])}</span>
      <span className="block text-xs text-ink-3">
        {t('result.versions')}: {versions}
      </span>
    </>
  )
}
