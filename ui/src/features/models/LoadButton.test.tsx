import './i18n'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it, vi } from 'vitest'
import type { Entry } from './entries'
import { LoadButton } from './LoadButton'

const entry = { id: 'busy', format: 'gguf' } as Entry

it('says that it works until the model has gone, and asks once', async () => {
  const asked = vi.spyOn(globalThis, 'fetch').mockReturnValue(new Promise<Response>(() => undefined))
  const row = { entry, state: 'busy', reason: null, progress: null, memory: null, lastUsed: null, expiresAt: null, waiting: 0 } as const
  render(
    <QueryClientProvider client={new QueryClient()}>
      <LoadButton row={row} />
    </QueryClientProvider>,
  )
  const button = screen.getByRole('button', { name: 'Unload busy' })
  await userEvent.click(button)
  await userEvent.click(button)
  expect(button).toHaveAttribute('aria-busy', 'true')
  expect(asked).toHaveBeenCalledOnce()
})
