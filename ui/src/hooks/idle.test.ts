import { act, renderHook } from '@testing-library/react'
import { afterEach, expect, it, vi } from 'vitest'
import { useIdleSteps } from './idle'

afterEach(() => {
  vi.unstubAllGlobals()
})

it('goes one further each time that there is time, to the last', () => {
  const waiting: (() => void)[] = []
  vi.stubGlobal('requestIdleCallback', (then: () => void) => waiting.push(then))
  vi.stubGlobal('cancelIdleCallback', () => undefined)
  const idle = () => act(() => waiting.shift()?.())
  const { result, rerender } = renderHook(({ last }) => useIdleSteps(2, last), { initialProps: { last: 0 } })
  expect(result.current).toBe(0)
  rerender({ last: 4 })
  expect(result.current).toBe(2)
  idle()
  expect(result.current).toBe(3)
  idle()
  expect([result.current, waiting.length]).toEqual([4, 0])
  rerender({ last: 1 })
  expect(result.current).toBe(1)
})
