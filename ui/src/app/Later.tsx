import { CatchBoundary } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'

const Toaster = lazy(() => import('@/components/ui/Toaster').then((found) => ({ default: found.Toaster })))

/** What nobody needs for the first paint. */
export function Later() {
  return (
    <CatchBoundary getResetKey={() => 'toaster'} errorComponent={() => null}>
      <Suspense>
        <Toaster />
      </Suspense>
    </CatchBoundary>
  )
}
