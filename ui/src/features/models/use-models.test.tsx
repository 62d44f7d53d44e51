import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { renderHook } from '@testing-library/react'
import type { ReactNode } from 'react'
import { expect, it, vi } from 'vitest'
import { hub } from '@/realtime/hub'
import { useListFollowed, useModels } from './use-models'

it('is one listener that asks for the list again, however many show it', () => {
  vi.spyOn(globalThis, 'fetch').mockReturnValue(new Promise<Response>(() => undefined))
  const on = vi.spyOn(hub, 'on')
  const client = new QueryClient()
  const again = vi.spyOn(client, 'invalidateQueries')
  const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>
  renderHook(() => [useModels(), useModels(), useListFollowed()], { wrapper })
  for (const [topic, listener] of on.mock.calls) if (topic === 'models') listener({ seq: 1, topic, type: 'listed', data: {} } as never)
  expect(again).toHaveBeenCalledOnce()
})
