/** What the server says of a quantity: a number, or why there is none. */
export type Figure = number | { readonly unknown: string }

interface Column {
  readonly values: Float64Array
  reason: string | undefined
}

/** Aligned columns as charts take them: `null` where there is no number. */
export interface Table {
  readonly times: number[]
  readonly columns: (number | null)[][]
}

export interface SeriesOptions {
  /** Rows that are kept at most; the oldest go first. */
  readonly capacity: number
  /** Seconds without a row, from which on there is a gap rather than a line. */
  readonly gapAfter: number
}

/**
 * The last figures, by name, on one axis of time (seconds since 1970).
 *
 * What is not known stays a gap: it is never 0, and never the figure before.
 */
export class SeriesTable {
  readonly #options: SeriesOptions
  readonly #times: Float64Array
  readonly #columns = new Map<string, Column>()
  #first = 0
  #count = 0

  constructor(options: SeriesOptions) {
    this.#options = options
    this.#times = new Float64Array(options.capacity)
  }

  get length(): number {
    return this.#count
  }

  get names(): string[] {
    return [...this.#columns.keys()]
  }

  get lastTime(): number | undefined {
    return this.#count === 0 ? undefined : this.#times[this.#slot(this.#count - 1)]
  }

  /** Adds a row. One that is not newer than the last is left out: a snapshot may say again what a sample said. */
  push(at: number, figures: Readonly<Record<string, Figure>>): void {
    const last = this.lastTime
    if (last !== undefined && at <= last) return
    if (last !== undefined && at - last > this.#options.gapAfter) this.#add(last + (at - last) / 2, {})
    this.#add(at, figures)
  }

  /** The number of the last row, or `null`. */
  last(name: string): number | null {
    const column = this.#columns.get(name)
    if (column === undefined || this.#count === 0) return null
    return known(column.values[this.#slot(this.#count - 1)])
  }

  /** Why the last row has no number; `undefined` where it has one, or nothing was said of it. */
  reason(name: string): string | undefined {
    return this.#columns.get(name)?.reason
  }

  /** The rows of the last `seconds` of these names, up to the last row or to `end`. */
  window(seconds: number, names: readonly string[], end = this.lastTime): Table {
    const times: number[] = []
    const columns: (number | null)[][] = names.map(() => [])
    if (end === undefined) return { times, columns }
    const kept = names.map((name) => this.#columns.get(name)?.values)
    for (let row = this.#since(end - seconds); row < this.#count; row += 1) {
      const slot = this.#slot(row)
      if ((this.#times[slot] as number) > end) break
      times.push(this.#times[slot] as number)
      kept.forEach((values, place) => columns[place]?.push(known(values?.[slot])))
    }
    return { times, columns }
  }

  #add(at: number, figures: Readonly<Record<string, Figure>>): void {
    if (this.#count === this.#options.capacity) {
      this.#first = (this.#first + 1) % this.#options.capacity
      this.#count -= 1
    }
    const slot = this.#slot(this.#count)
    this.#count += 1
    this.#times[slot] = at
    if (Object.keys(figures).some((name) => !this.#columns.has(name))) this.#open(figures)
    for (const [name, column] of this.#columns) {
      const figure = figures[name]
      column.values[slot] = typeof figure === 'number' ? figure : Number.NaN
      column.reason = typeof figure === 'object' ? figure.unknown : undefined
    }
  }

  /** Makes columns for what is new, and drops those of which nothing is left. */
  #open(figures: Readonly<Record<string, Figure>>): void {
    for (const [name, column] of this.#columns) {
      if (!(name in figures) && column.values.every(Number.isNaN)) this.#columns.delete(name)
    }
    for (const name of Object.keys(figures)) {
      if (this.#columns.has(name)) continue
      const values = new Float64Array(this.#options.capacity).fill(Number.NaN)
      this.#columns.set(name, { values, reason: undefined })
    }
  }

  #slot(row: number): number {
    return (this.#first + row) % this.#options.capacity
  }

  /** The first row at or behind that time. */
  #since(time: number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#times[this.#slot(middle)] as number) < time) low = middle + 1
      else high = middle
    }
    return low
  }
}

function known(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value
}
