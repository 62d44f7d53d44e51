import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it, vi } from 'vitest'
import { Button } from './Button'

it('keeps the focus while it works, and sends nothing again', async () => {
  const sent = vi.fn((event: { preventDefault: () => void }) => event.preventDefault())
  const form = (busy: boolean) => (
    <form onSubmit={sent}>
      <input aria-label="name" />
      <Button type="submit" busy={busy}>
        Save
      </Button>
    </form>
  )
  const { rerender } = render(form(false))
  const button = screen.getByRole('button', { name: 'Save' })
  await userEvent.click(button)
  rerender(form(true))
  expect(button).toHaveFocus()
  await userEvent.click(button)
  await userEvent.type(screen.getByLabelText('name'), 'x{Enter}')
  expect(sent).toHaveBeenCalledOnce()
})
