import type { ReactNode } from 'react'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { renderHook } from '@testing-library/react'
import { expect, it, vi } from 'vitest'
import { chatKeys } from './api'
import { runs } from './runs'
import type { Chat } from './types'
import { useRunFollowing } from './use-run-following'

it('goes on with what was fetched of an answer, until its run tells more', () => {
  const parts = [{ type: 'text' as const, text: 'so far' }]
  const chat = { id: 'c', running: 'r', messages: [{ id: 'm', run_id: 'r', status: 'streaming', parts }] } as unknown as Chat
  const client = new QueryClient()
  client.setQueryData(chatKeys.one('c'), chat)
  const follow = vi.spyOn(runs, 'follow').mockReturnValue(() => undefined)
  const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>
  renderHook(() => useRunFollowing(chat), { wrapper })
  expect(follow).toHaveBeenCalledWith({ runId: 'r', chatId: 'c', messageId: 'm' }, parts)
})
