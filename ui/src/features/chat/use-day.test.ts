import { act, renderHook } from '@testing-library/react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { useDay } from './use-day'

beforeEach(() => {
  vi.useFakeTimers()
  vi.setSystemTime(new Date(2026, 5, 15, 23, 59))
})

afterEach(() => vi.useRealTimers())

it('is another day from midnight on, and the same moment until then', () => {
  const { result } = renderHook(() => useDay())
  const first = result.current
  act(() => vi.advanceTimersByTime(59_000))
  expect(result.current).toBe(first)
  act(() => vi.advanceTimersByTime(1_000))
  expect(result.current.getDate()).toBe(16)
  act(() => vi.advanceTimersByTime(86_400_000))
  expect(result.current.getDate()).toBe(17)
})

it('is told by a tab that is looked at again, where timers slept', () => {
  const { result } = renderHook(() => useDay())
  vi.setSystemTime(new Date(2026, 5, 20, 8))
  act(() => void document.dispatchEvent(new Event('visibilitychange')))
  expect(result.current.getDate()).toBe(20)
})
