import { useTranslation } from 'react-i18next'
import { NO_GPU } from '@/api/reasons'
import { bytes, number } from '@/i18n/format'
import type { Reading } from '@/realtime/topics'
import { gpuName, type Gpu } from './figures'
import type { Figure } from './series'
import { Tile } from './Tile'

/** The figures of now. How busy a GPU is and how full its memory is are two of them. */
export function Tiles({ reading }: { reading: Reading }) {
  const { t } = useTranslation('monitor')
  const { machine, requests, slots, tokens_per_second: rates } = reading
  const total = machine.memory_total
  return (
    <dl
      aria-label={t('tiles.label')}
      className="grid grid-cols-2 gap-3 sm:grid-cols-[repeat(auto-fit,minmax(9.25rem,1fr))]"
    >
      {machine.gpus.length === 0 ? <NoGpu /> : machine.gpus.map((gpu) => <GpuTiles key={gpu.id} gpu={gpu} name={gpuName(gpu, machine.gpus)} several={machine.gpus.length > 1} />)}
      <Tile
        label={t('tiles.ram')}
        figure={machine.memory_used}
        unit="bytes"
        more={outOf(total, (all) => t('of', { total: all }))}
        share={part(machine.memory_used, total)}
      />
      <Tile
        label={t('tiles.cpu')}
        figure={machine.cpu}
        unit="percent"
        more={t('tiles.cpus', { cores: number(machine.cpus, 1) })}
        share={part(machine.cpu, 100)}
      />
      <Tile label={t('tiles.generated')} figure={rates.generated} unit="rate" suffix="tok/s" />
      <Tile label={t('tiles.prompt')} figure={rates.prompt} unit="rate" suffix="tok/s" />
      <Tile
        label={t('tiles.requests')}
        figure={requests.running}
        unit="count"
        suffix={t('tiles.queued', { waiting: number(requests.waiting) })}
        more={t('tiles.slots', { busy: number(slots.busy), total: number(slots.total) })}
        share={slots.total > 0 ? slots.busy / slots.total : undefined}
      />
    </dl>
  )
}

function NoGpu() {
  const { t } = useTranslation('monitor')
  return (
    <>
      <Tile label={t('tiles.busy')} figure={{ unknown: NO_GPU }} unit="percent" />
      <Tile label={t('tiles.vram')} figure={{ unknown: NO_GPU }} unit="bytes" />
    </>
  )
}

function GpuTiles({ gpu, name, several }: { gpu: Gpu; name: string; several: boolean }) {
  const { t } = useTranslation('monitor')
  const whose = several ? ` · ${name}` : ''
  return (
    <>
      <Tile label={t('tiles.busy') + whose} figure={gpu.busy} unit="percent" more={name} share={part(gpu.busy, 100)} />
      <Tile
        label={t('tiles.vram') + whose}
        figure={gpu.vram_used}
        unit="bytes"
        more={gpu.shares ? t('tiles.shares') : outOf(gpu.vram_total, (all) => t('of', { total: all }))}
        share={part(gpu.vram_used, gpu.vram_total)}
      />
      {typeof gpu.temperature === 'number' && (
        <Tile
          label={t('tiles.temperature') + whose}
          figure={gpu.temperature}
          unit="degrees"
          more={typeof gpu.power === 'number' ? `${t('tiles.power')} ${number(gpu.power)} W` : undefined}
        />
      )}
    </>
  )
}

function part(used: Figure, total: Figure): number | undefined {
  return typeof used === 'number' && typeof total === 'number' && total > 0 ? used / total : undefined
}

function outOf(total: Figure, say: (total: string) => string): string | undefined {
  return typeof total === 'number' ? say(bytes(total, 1024)) : undefined
}
