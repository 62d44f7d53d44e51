import { QueryClient } from '@tanstack/react-query'
import { ApiError } from '@/api/client'

/** The cache of what the server has. Nothing is polled: events say when something is old. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 60_000,
      refetchOnWindowFocus: false,
      retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
    mutations: { retry: false },
  },
})
