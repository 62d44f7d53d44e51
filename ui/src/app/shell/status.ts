// What the status bar says, from how things stand. Pure.
import { bytesOf } from '@/i18n/format'
import type { ModelFigures, Reading } from '@/realtime/topics'

export interface MemoryUse {
  name: 'vram' | 'ram'
  text: string
}

/** Used and whole memory of the GPUs together, where each says it, and of the machine. */
export function memoryOf(reading: Reading): MemoryUse[] {
  const { gpus, memory_used: used, memory_total: total } = reading.machine
  const uses: MemoryUse[] = []
  const own = gpus.filter((gpu) => !gpu.shares)
  const known = own.flatMap(({ vram_used: has, vram_total: all }) =>
    typeof has === 'number' && typeof all === 'number' ? [{ has, all }] : [],
  )
  if (own.length > 0 && known.length === own.length) {
    uses.push({ name: 'vram', text: bytesOf(sum(known.map((one) => one.has)), sum(known.map((one) => one.all))) })
  }
  if (typeof used === 'number' && typeof total === 'number') uses.push({ name: 'ram', text: bytesOf(used, total) })
  return uses
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0)
}

export interface LoadedModels {
  names: string[]
  loading: string | undefined
  tone: 'good' | 'warn' | 'off'
}

/** The models that are ready, and the first that loads. */
export function modelsOf(models: readonly ModelFigures[]): LoadedModels {
  const names = [...new Set(models.filter((one) => one.state === 'ready').map((one) => one.model))]
  const loading = models.find((one) => one.state === 'starting')?.model
  return { names, loading, tone: loading === undefined ? (names.length > 0 ? 'good' : 'off') : 'warn' }
}
