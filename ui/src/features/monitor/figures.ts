// From what the server says of now to the columns and charts of the page. Pure.
import type { Schemas } from '@/api/client'
import type { Reading } from '@/realtime/topics'
import type { Figure } from './series'

export type Gpu = Schemas['GpuFigures']

/** How a figure is written. */
export type Unit = 'percent' | 'bytes' | 'rate' | 'count' | 'degrees' | 'watts'

/** One line of a chart; `gpu` is what the GPU is called that it is of. */
export interface ChartLine {
  readonly name: string
  readonly label:
    'busy' | 'vram' | 'generated' | 'prompt' | 'cpu' | 'ram' | 'running' | 'waiting' | 'temperature' | 'power'
  readonly unit: Unit
  readonly gpu?: string
  readonly right?: boolean
}

export interface ChartSpec {
  readonly key: 'busy' | 'vram' | 'speed' | 'machine' | 'requests' | 'heat'
  readonly lines: readonly ChartLine[]
  /** Where the axis ends, whatever is shown. */
  readonly most?: number
}

/** A share in percent of two figures, or what is not known of them. */
export function shareOf(part: Figure, whole: Figure): Figure {
  if (typeof part !== 'number') return part
  if (typeof whole !== 'number') return whole
  return whole > 0 ? (part / whole) * 100 : { unknown: '0' }
}

/** What a GPU is called: its name, with its place where others are called the same. */
export function gpuName(gpu: Gpu, gpus: readonly Gpu[]): string {
  const alike = gpus.filter(({ name }) => name === gpu.name)
  return alike.length > 1 ? `${gpu.name} #${alike.indexOf(gpu) + 1}` : gpu.name
}

/** All that is drawn, by column. */
export function columnsOf(reading: Reading): Record<string, Figure> {
  const { machine, requests, tokens_per_second: rates } = reading
  const columns: Record<string, Figure> = {
    cpu: machine.cpu,
    ram: shareOf(machine.memory_used, machine.memory_total),
    generated: rates.generated,
    prompt: rates.prompt,
    running: requests.running,
    waiting: requests.waiting,
  }
  for (const gpu of machine.gpus) {
    columns[`busy:${gpu.id}`] = gpu.busy
    columns[`vram:${gpu.id}`] = gpu.vram_used
    columns[`temperature:${gpu.id}`] = gpu.temperature
    columns[`power:${gpu.id}`] = gpu.power
  }
  return columns
}

/** Which charts there are: those of GPUs also where there is none, to say so. */
export function chartsOf(reading: Reading): ChartSpec[] {
  const { gpus } = reading.machine
  const ofGpus = (label: 'busy' | 'vram' | 'temperature' | 'power', unit: Unit, right = false): ChartLine[] =>
    gpus.map((gpu) => ({ name: `${label}:${gpu.id}`, label, unit, gpu: gpuName(gpu, gpus), ...(right && { right }) }))
  const totals = gpus.map((gpu) => gpu.vram_total).filter((total) => typeof total === 'number')
  const charts: ChartSpec[] = [
    { key: 'busy', lines: ofGpus('busy', 'percent'), most: 100 },
    { key: 'vram', lines: ofGpus('vram', 'bytes'), ...(totals.length > 0 && { most: Math.max(...totals) }) },
    {
      key: 'speed',
      lines: [
        { name: 'generated', label: 'generated', unit: 'rate' },
        { name: 'prompt', label: 'prompt', unit: 'rate', right: true },
      ],
    },
    {
      key: 'machine',
      lines: [
        { name: 'cpu', label: 'cpu', unit: 'percent' },
        { name: 'ram', label: 'ram', unit: 'percent' },
      ],
      most: 100,
    },
    {
      key: 'requests',
      lines: [
        { name: 'running', label: 'running', unit: 'count' },
        { name: 'waiting', label: 'waiting', unit: 'count' },
      ],
    },
  ]
  const warm = gpus.some(({ temperature, power }) => typeof temperature === 'number' || typeof power === 'number')
  if (warm)
    charts.push({ key: 'heat', lines: [...ofGpus('temperature', 'degrees'), ...ofGpus('power', 'watts', true)] })
  return charts
}

/** GPU memory by process, the largest first; those of which it is not known are left out. */
export function vramByProcess(reading: Reading): { name: string; bytes: number }[] {
  return reading.machine.processes
    .flatMap(({ name, vram }) => (typeof vram === 'number' && vram > 0 ? [{ name, bytes: vram }] : []))
    .sort((a, b) => b.bytes - a.bytes)
}
