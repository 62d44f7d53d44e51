import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { NO_GPU } from '@/api/reasons'
import { Reason } from '@/components/ui/Reason'
import { bytes } from '@/i18n/format'
import type { Reading } from '@/realtime/topics'
import { Chart } from './Chart'
import { chartsOf, vramByProcess, type ChartSpec } from './figures'

export interface ChartsProps {
  reading: Reading
  range: number
  rangeName: string
}

/** All charts; where nothing can be known, why. */
export function Charts({ reading, range, rangeName }: ChartsProps) {
  const { t } = useTranslation('monitor')
  const now = chartsOf(reading)
  // The same object while its lines are the same, so that a chart is not built anew each second.
  const shape = JSON.stringify(
    now.map((spec) => [spec.key, spec.most, spec.lines.map((line) => [line.name, line.gpu])]),
  )
  // oxlint-disable-next-line react/exhaustive-deps
  const specs = useMemo(() => now, [shape])
  return (
    <section
      aria-label={t('charts.label')}
      className="grid gap-4 lg:grid-cols-2 lg:[&>:last-child:nth-child(odd)]:col-span-2"
    >
      {specs.map((spec) => {
        const why = unknown(spec, reading)
        if (why !== undefined) return <NoChart key={spec.key} title={t(`charts.${spec.key}`)} why={why} />
        return <Chart key={spec.key} spec={spec} range={range} rangeName={rangeName} />
      })}
      <ByProcess reading={reading} />
    </section>
  )
}

/** Why a chart of GPUs has nothing to show; undefined where it has. */
function unknown(spec: ChartSpec, { machine }: Reading): string | undefined {
  if (spec.key !== 'busy' && spec.key !== 'vram') return undefined
  const figures = machine.gpus.map((gpu) => (spec.key === 'busy' ? gpu.busy : gpu.vram_used))
  if (figures.length === 0) return NO_GPU
  const reasons = figures.flatMap((figure) => (typeof figure === 'number' ? [] : [figure.unknown]))
  return reasons.length === figures.length ? reasons[0] : undefined
}

function NoChart({ title, why }: { title: string; why: string }) {
  const { t } = useTranslation('monitor')
  return (
    <section className="rounded-xl border border-line bg-surface px-4 py-3 shadow-sm">
      <h2 className="text-base font-semibold">{title}</h2>
      <p className="mt-0.5 text-sm text-ink-2">
        {t('notAvailable')}: <Reason goesOn>{why}</Reason>
      </p>
    </section>
  )
}

function ByProcess({ reading }: { reading: Reading }) {
  const { t } = useTranslation('monitor')
  const all = vramByProcess(reading)
  if (all.length === 0) return null
  return (
    <section className="rounded-xl border border-line bg-surface px-4 py-3 shadow-sm">
      <h2 className="text-base font-semibold">{t('charts.byProcess')}</h2>
      <dl className="mt-2 flex flex-col gap-1 text-sm">
        {all.map(({ name, bytes: size }) => (
          <div key={name} className="flex justify-between gap-4">
            <dt className="min-w-0 truncate">{name === 'gateway' ? t('charts.gateway') : name}</dt>
            <dd className="tabular">{bytes(size, 1024)}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
