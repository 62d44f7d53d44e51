import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { listenForShortcuts, useShortcut } from './shortcuts'

const ofPage = vi.fn()
const everywhere = vi.fn()
let end: () => void

function Page() {
  useShortcut({ keys: 'f6', label: '', typing: true }, ofPage)
  useShortcut({ keys: 'mod+k', label: '', scope: 'general' }, everywhere)
  return (
    <>
      <input aria-label="beneath" />
      <div role="dialog">
        <input aria-label="inside" />
      </div>
    </>
  )
}

beforeEach(() => {
  end = listenForShortcuts()
})
afterEach(() => {
  end()
  vi.clearAllMocks()
})

it('runs nothing of the page beneath a dialog', async () => {
  render(<Page />)
  await userEvent.click(screen.getByLabelText('inside'))
  await userEvent.keyboard('{F6}{Control>}k{/Control}')
  expect([ofPage.mock.calls.length, everywhere.mock.calls.length]).toEqual([0, 1])
  await userEvent.click(screen.getByLabelText('beneath'))
  await userEvent.keyboard('{F6}')
  expect(ofPage).toHaveBeenCalledOnce()
})
