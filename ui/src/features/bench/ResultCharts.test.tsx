import './texts'
import { render, screen } from '@testing-library/react'
import { expect, it } from 'vitest'
import { ResultCharts } from './ResultCharts'
import { rowsOf, type Benchmark, type ModelResult } from './rows'

const spread = (median: number) => ({ median, min: median - 1, max: median + 1, sd: 1, count: 3 })

function model(name: string, size: number, decode: number): ModelResult {
  const cell = { prompt: 512, gen: 128, streams: 1 }
  return { model: name, size, cells: [{ cell, decode: spread(decode), ttft: spread(decode + 100) }], failed: null } as unknown as ModelResult
}

it('draws the figures of each model, and no others', () => {
  const models = [model('q3', 3e9, 71.5), model('q4', 4e9, 61.25), model('q5', 5e9, 52)]
  render(<ResultCharts rows={rowsOf({ models } as unknown as Benchmark)} />)
  const said = screen.getAllByRole('img').map((chart) => chart.getAttribute('aria-label'))
  expect(said).toEqual([
    'Writing, tokens a second. q3: 71.5, from 70.5 to 72.5; q4: 61.3, from 60.3 to 62.3; q5: 52, from 51 to 53',
    'Time to the first token, seconds. q3: 171.5, from 170.5 to 172.5; q4: 161.25, from 160.25 to 162.25; q5: 152, from 151 to 153',
    'Speed by size. q3: 71.5 tok/s at 3 GB; q4: 61.3 tok/s at 4 GB; q5: 52 tok/s at 5 GB',
  ])
  // A bar is as long as its figure: the shorter the speed.
  const [chart] = screen.getAllByRole('img')
  const widths = [...(chart?.querySelectorAll('rect') ?? [])].map((bar) => Number(bar.getAttribute('width')))
  expect(widths).toHaveLength(3)
  expect((widths[0] ?? 0) / (widths[2] ?? 1)).toBeCloseTo(71.5 / 52, 2)
})
