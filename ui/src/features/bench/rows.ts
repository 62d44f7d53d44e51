import type { Schemas } from '@/api/client'
/** Versions are pairs of a name and a version. */
export type Benchmark = Omit<Schemas['Benchmark'], 'setup'> & {
  readonly setup: Omit<Schemas['Setup'], 'versions'> & { readonly versions: readonly (readonly string[])[] }
}
export type Cell = Schemas['Cell']
export type CellResult = Schemas['CellResult']
export type ModelResult = Schemas['ModelResult']
export type Spread = Schemas['Spread']

/** A model at one cell; one that failed, or has nothing yet, has a row without a `result`. */
export interface Row {
  readonly key: string
  readonly place: number
  readonly model: ModelResult
  readonly result: CellResult | undefined
}

export function rowsOf(benchmark: Benchmark): Row[] {
  return (benchmark.models ?? []).flatMap((model, place): Row[] => {
    if (model.cells.length === 0) return [{ key: model.model, place, model, result: undefined }]
    return model.cells.map((result) => ({ key: `${model.model} ${cellKey(result.cell)}`, place, model, result }))
  })
}

export function cellKey({ prompt, gen, streams = 1 }: Cell): string {
  return `${prompt}/${gen}/${streams}`
}

/** The cell as llama-bench would call it. */
export function cellLabel({ prompt, gen, streams = 1 }: Cell): string {
  return `pp${prompt} tg${gen}${streams > 1 ? ` × ${streams}` : ''}`
}

/** A column with a number: how it is taken from a row, and which is better, if either. */
export interface Column {
  readonly name: ColumnName
  readonly unit: 'file' | 'memory' | 'seconds' | 'speed' | 'plain' | 'share'
  readonly better: 'more' | 'less' | undefined
  /** Whether it is of the model alone, the same in all its rows. */
  readonly whole: boolean
  value(row: Row): number | null
  /** The standard deviation, where there is one. */
  sd?(row: Row): number | null
}

export type ColumnName =
  'size' | 'load' | 'decode' | 'prefill' | 'ttft' | 'ram' | 'vram' | 'perplexity' | 'kl' | 'sameTop'

const median = (spread: Spread | null | undefined) => spread?.median ?? null

export const COLUMNS: readonly Column[] = [
  { name: 'size', unit: 'file', better: 'less', whole: true, value: ({ model }) => model.size },
  {
    name: 'load',
    unit: 'seconds',
    better: 'less',
    whole: true,
    value: ({ model }) => median(model.load),
    sd: ({ model }) => model.load?.sd ?? null,
  },
  {
    name: 'decode',
    unit: 'speed',
    better: 'more',
    whole: false,
    value: ({ result }) => median(result?.decode),
    sd: ({ result }) => result?.decode.sd ?? null,
  },
  {
    name: 'prefill',
    unit: 'speed',
    better: 'more',
    whole: false,
    value: ({ result }) => median(result?.prefill),
    sd: ({ result }) => result?.prefill.sd ?? null,
  },
  {
    name: 'ttft',
    unit: 'seconds',
    better: 'less',
    whole: false,
    value: ({ result }) => median(result?.ttft),
    sd: ({ result }) => result?.ttft.sd ?? null,
  },
  { name: 'ram', unit: 'memory', better: 'less', whole: true, value: ({ model }) => model.peak.ram ?? null },
  { name: 'vram', unit: 'memory', better: 'less', whole: true, value: ({ model }) => model.peak.vram ?? null },
  {
    name: 'perplexity',
    unit: 'plain',
    better: 'less',
    whole: true,
    value: ({ model }) => model.quality?.perplexity ?? null,
    sd: ({ model }) => model.quality?.perplexity_sd ?? null,
  },
  {
    name: 'kl',
    unit: 'plain',
    better: 'less',
    whole: true,
    value: ({ model }) => model.quality?.divergence?.kl ?? null,
  },
  {
    name: 'sameTop',
    unit: 'share',
    better: 'more',
    whole: true,
    value: ({ model }) => model.quality?.divergence?.same_top ?? null,
  },
]

/** Columns of which any row has a number. */
export function columnsOf(rows: readonly Row[]): Column[] {
  return COLUMNS.filter((column) => rows.some((row) => column.value(row) !== null))
}

/**
 * Which values are the best, as `row key/column`: among rows of the same cell, and only where there is something to
 * be better than. Those that are equal are all the best.
 */
export function best(rows: readonly Row[], columns: readonly Column[]): Set<string> {
  const found = new Set<string>()
  for (const column of columns) {
    for (const group of groups(rows, column).values()) {
      const values = group.map((row) => column.value(row)).filter((value) => value !== null)
      const top = column.better === 'more' ? Math.max(...values) : Math.min(...values)
      if (values.length < 2 || values.every((value) => value === top)) continue
      for (const row of group) if (column.value(row) === top) found.add(bestKey(row, column))
    }
  }
  return found
}

export function bestKey(row: Row, column: Column): string {
  return `${row.key}/${column.name}`
}

function groups(rows: readonly Row[], column: Column): Map<string, Row[]> {
  const found = new Map<string, Row[]>()
  for (const row of rows) {
    const key = column.whole || row.result === undefined ? '' : cellKey(row.result.cell)
    found.set(key, [...(found.get(key) ?? []), row])
  }
  return found
}

/**
 * How far a figure is from the baseline's: 0.1 is a tenth more. `null` where there is nothing to compare with.
 *
 * Against the same model and cell of another benchmark, or without one against the first model of this, at that cell.
 */
export function delta(row: Row, rows: readonly Row[], column: Column, baseline?: Benchmark): number | null {
  const own = column.value(row)
  const others = baseline === undefined ? rows.filter((other) => other.place === 0) : rowsOf(baseline)
  const other = others.find((each) => {
    if (baseline !== undefined && each.model.model !== row.model.model) return false
    if (each.result === undefined || row.result === undefined) return each.result === row.result
    return cellKey(each.result.cell) === cellKey(row.result.cell)
  })
  if (other === undefined || other === row || own === null) return null
  const before = column.value(other)
  return before === null || before === 0 ? null : own / before - 1
}

export interface Order {
  readonly by: ColumnName | 'model' | 'cell'
  readonly descending: boolean
}

/** In that order; rows without a number come last either way, and equal ones stay as they were. */
export function sorted(rows: readonly Row[], { by, descending }: Order): Row[] {
  const sign = descending ? -1 : 1
  const column = COLUMNS.find(({ name }) => name === by)
  if (column === undefined) {
    const text = (row: Row) => (by === 'model' ? row.model.model : '')
    const number = (row: Row) => (row.result === undefined ? 0 : row.result.cell.prompt)
    return [...rows].sort((a, b) => sign * (text(a).localeCompare(text(b)) || number(a) - number(b)))
  }
  return [...rows].sort((a, b) => {
    const one = column.value(a)
    const other = column.value(b)
    if (one === null || other === null) return Number(one === null) - Number(other === null)
    return sign * (one - other)
  })
}
