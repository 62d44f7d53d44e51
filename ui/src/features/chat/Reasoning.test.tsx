import './texts'
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Reasoning } from './Reasoning'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  cleanup()
  vi.useRealTimers()
})

const thought = (isGrowing: boolean) => <Reasoning text="Paris, I think." seconds={isGrowing ? null : 4} tokens={isGrowing ? null : 212} isGrowing={isGrowing} />
const isOpen = () => screen.getByRole('button').getAttribute('aria-expanded') === 'true'
const pass = (ms: number) => act(() => vi.advanceTimersByTime(ms))

it('is open while the model thinks, and closes a second after', () => {
  const { rerender } = render(thought(true))
  expect(isOpen()).toBe(true)
  expect(screen.getByRole('button')).toHaveTextContent('Thinking…')
  rerender(thought(false))
  expect(screen.getByRole('button')).toHaveTextContent('Thought for 4 s (212 tokens)')
  pass(999)
  expect(isOpen()).toBe(true)
  pass(1)
  expect(isOpen()).toBe(false)
})

it('stays as its reader wants it', () => {
  const { rerender } = render(thought(true))
  fireEvent.click(screen.getByRole('button'))
  fireEvent.click(screen.getByRole('button'))
  rerender(thought(false))
  pass(5000)
  expect(isOpen()).toBe(true)
})

it('is closed in a conversation that is opened later', () => {
  render(thought(false))
  expect(isOpen()).toBe(false)
})
