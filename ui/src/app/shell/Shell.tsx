import { CatchBoundary, Outlet } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { BottomBar } from './BottomBar'
import { ConnectionBanner } from './ConnectionBanner'
import { Nav } from './Nav'
import { StatusBar } from './StatusBar'
import { useShell } from './use-shell'

// What opens over the page comes after the page, which does without where it cannot be fetched.
const Overlays = lazy(() => import('./Overlays').then((found) => ({ default: found.Overlays })))

/** What is around every page. */
export function Shell() {
  const { t } = useTranslation()
  useShell()
  return (
    <div className="flex h-dvh flex-col">
      <a
        href="#content"
        className="sr-only z-80 rounded-md bg-surface px-3 py-2 text-accent-ink shadow-lg focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
        onClick={(event) => {
          event.preventDefault()
          document.getElementById('content')?.focus()
        }}
      >
        {t('nav.skip')}
      </a>
      <div className="flex min-h-0 flex-1">
        <Nav />
        <div className="flex min-w-0 flex-1 flex-col">
          <ConnectionBanner />
          <main id="content" tabIndex={-1} className="min-h-0 flex-1 overflow-y-auto outline-none">
            <Outlet />
          </main>
        </div>
      </div>
      <StatusBar />
      <BottomBar />
      <CatchBoundary getResetKey={() => 'overlays'} errorComponent={() => null}>
        <Suspense>
          <Overlays />
        </Suspense>
      </CatchBoundary>
    </div>
  )
}
