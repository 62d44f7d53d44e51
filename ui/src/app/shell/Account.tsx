import { CatchBoundary } from '@tanstack/react-router'
import { UserRound } from 'lucide-react'
import { lazy, Suspense } from 'react'

const Menu = lazy(() => import('./AccountMenu').then((found) => ({ default: found.AccountMenu })))

/** The account's menu; until its code is there, or where it cannot be fetched, its place. */
export function Account() {
  const place = (
    <span aria-hidden="true" className="flex size-9 items-center justify-center rounded-full bg-pressed text-ink-2">
      <UserRound className="size-4.5" strokeWidth={1.75} />
    </span>
  )
  return (
    <CatchBoundary getResetKey={() => 'account'} errorComponent={() => place}>
      <Suspense fallback={place}>
        <Menu />
      </Suspense>
    </CatchBoundary>
  )
}
