import { act, render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { useState } from 'react'
import { expect, it, vi } from 'vitest'
import { ApiError } from '@/api/client'
import { ConfirmDialog } from './ConfirmDialog'
import { toasts } from './Toast'

function Asked({ onConfirm }: { onConfirm: () => Promise<unknown> }) {
  const [open, setOpen] = useState(true)
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        again
      </button>
      <ConfirmDialog open={open} onOpenChange={setOpen} title="Sure?" description="Gone" action="Delete" onConfirm={onConfirm} />
    </>
  )
}

it('tells a failure also where it was closed meanwhile, and has none of it when it is opened again', async () => {
  const told = vi.spyOn(toasts, 'add')
  let reject: (error: Error) => void = () => undefined
  const promise = new Promise<void>((_, no) => {
    reject = no
  })
  render(<Asked onConfirm={() => promise} />)
  await userEvent.click(screen.getByRole('button', { name: 'Delete' }))
  await userEvent.keyboard('{Escape}')
  await act(async () => {
    reject(new ApiError('it is in use', 409, 'busy', null, null))
    await promise.catch(() => undefined)
  })
  expect(told).toHaveBeenCalledWith(expect.objectContaining({ title: 'it is in use' }))
  await userEvent.click(screen.getByText('again'))
  expect(await screen.findByRole('button', { name: 'Delete' })).toBeEnabled()
  expect(screen.queryByRole('alert')).toBeNull()
})
