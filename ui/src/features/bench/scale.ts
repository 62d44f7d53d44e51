/** Round numbers from 0 to at least `most`, four to six of them, for the axis of a chart. */
export function ticks(most: number): number[] {
  if (!(most > 0)) return [0, 1]
  const rough = most / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 2.5, 5].find((each) => each * power >= rough) ?? 10) * power
  const found: number[] = []
  for (let count = 0; count === 0 || (found[count - 1] as number) < most; count += 1) {
    found.push(Number((count * step).toPrecision(12)))
  }
  return found
}

/** What takes a value to a place between `from` and `to`, with 0 at `from`. */
export function linear(most: number, from: number, to: number): (value: number) => number {
  return (value) => from + (most > 0 ? value / most : 0) * (to - from)
}
