import './i18n'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it, vi } from 'vitest'
import { FolderBrowser } from './FolderBrowser'
import { folderQuery } from './queries'

it('keeps the focus when the button that was pressed goes with its folder', async () => {
  vi.spyOn(globalThis, 'fetch').mockReturnValue(new Promise<Response>(() => undefined))
  const client = new QueryClient()
  const entry = { name: 'shelf', path: '/models/shelf', kind: 'folder' as const, bytes: null }
  client.setQueryData(folderQuery(null).queryKey, { path: null, parent: null, entries: [entry], complete: true })
  client.setQueryData(folderQuery(entry.path).queryKey, { path: entry.path, parent: null, entries: [], complete: true })
  render(
    <QueryClientProvider client={client}>
      <FolderBrowser onChoose={() => undefined} />
    </QueryClientProvider>,
  )
  await userEvent.click(screen.getByRole('button', { name: 'Open shelf' }))
  expect(screen.getByText('/models/shelf')).toHaveFocus()
  await userEvent.click(screen.getByRole('button', { name: 'One folder up' }))
  expect(screen.getByText('Folders of models')).toHaveFocus()
})
