import '@/styles/tokens.css'
import '@/i18n/texts'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { onLoggedOut } from '@/api/client'
import { listenForShortcuts } from '@/hooks/shortcuts'
import { refuseStrayFiles } from '@/hooks/stray-files'
import { Later } from './Later'
import { queryClient } from './query'
import { router } from './router'
import { askLogin } from './session'

onLoggedOut(() => askLogin(router))
listenForShortcuts()
refuseStrayFiles()

const place = document.getElementById('root')
if (place) {
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
        <Later />
      </QueryClientProvider>
    </StrictMode>,
  )
}
