import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { api, data, type Schemas } from '@/api/client'
import { reasonOf } from '@/api/reasons'
import { modelsOf } from '@/app/shell/status'
import { Card } from '@/components/ui/Card'
import { CopyButton } from '@/components/ui/CopyButton'
import { Fetched } from '@/components/ui/Fetched'
import { SkeletonList } from '@/components/ui/Skeleton'
import { bytes, list, number } from '@/i18n/format'
import { useStanding } from '@/realtime/hub'
import type { Reading } from '@/realtime/topics'
import { programOf } from './program'
import { Row } from './Row'

/** What runs where, to be copied into a report of a fault. */
export function About() {
  const reading = useStanding('metrics')
  const query = useQuery({ queryKey: ['about'], queryFn: () => data(api.GET('/api/v1/about')) })
  return (
    <Fetched query={query} pending={<SkeletonList rows={9} />}>
      {(about) => (reading === null ? <SkeletonList rows={9} /> : <Summary about={about} reading={reading} />)}
    </Fetched>
  )
}

function Summary({ about, reading: { machine, models } }: { about: Schemas['About']; reading: Reading }) {
  const { t } = useTranslation()
  const { t: ts } = useTranslation('settings')
  const known = (value: number | { unknown: string }) => (typeof value === 'number' ? bytes(value, 1024) : t('state.unknownWhy', { reason: reasonOf(value.unknown) }))
  const ready = modelsOf(models).names
  const or = (version: string | null) => version ?? ts('about.missing')
  const llamaOf = ({ llama_cpp: origin, xllamacpp }: Schemas['About']) => {
    if (origin === 'program') return ts('about.program')
    if (xllamacpp === null) return ts('about.missing')
    return origin === 'native' ? ts('about.native', { version: `xllamacpp ${xllamacpp}` }) : `xllamacpp ${xllamacpp}`
  }
  const lines: [string, string][] = [
    [ts('about.version'), `Dovetail ${about.dovetail}`],
    [ts('about.python'), about.python],
    [ts('about.llama'), llamaOf(about)],
    [ts('about.mlx'), or(about.mlx)],
    [ts('about.mlxLm'), or(about.mlx_lm)],
    [ts('about.system'), about.system],
    [ts('about.processor'), [about.processor, ts('about.cpus', { count: machine.cpus, formatted: number(machine.cpus, 1) })].filter(Boolean).join(', ')],
    [ts('about.memory'), known(machine.memory_total)],
    ...(machine.gpus.length === 0
      ? [[ts('about.gpu'), ts('about.noGpu')] as [string, string]]
      : machine.gpus.map((gpu): [string, string] => [ts('about.gpu'), `${gpu.name}, ${known(gpu.vram_total)} (${gpu.source})`])),
    [ts('about.models'), ready.length === 0 ? t('state.none') : list(ready)],
    [ts('about.browser'), programOf(navigator.userAgent) ?? navigator.userAgent],
  ]
  return (
    <Card
      title={ts('about.title', { version: about.dovetail })}
      description={ts('about.intro')}
      actions={<CopyButton label={ts('about.copy')} text={() => lines.map(([name, value]) => `${name}: ${value}`).join('\n')} />}
    >
      {lines.map(([name, value], place) => (
        <Row key={`${name}-${place}`} label={name}>
          <span className="break-words">{value}</span>
        </Row>
      ))}
      <p className="mt-4 text-xs text-ink-3">{ts('about.licence')}</p>
    </Card>
  )
}
