import { CatchBoundary, Link } from '@tanstack/react-router'
import { Ellipsis } from 'lucide-react'
import { lazy, Suspense, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { LAST_PAGES, PAGES } from '@/app/pages'

const sheet = () => import('./MoreSheet').then((found) => ({ default: found.MoreSheet }))
const MoreSheet = lazy(sheet)
const TAB =
  'flex min-w-0 flex-1 flex-col items-center gap-0.5 py-1.5 text-ink-2 -outline-offset-2 data-[status=active]:text-accent-ink'

/** The pages below 768 px: four at the bottom, the others in a sheet. */
export function BottomBar() {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  // Also while the server is away it leads to the other pages.
  useEffect(() => void sheet().catch(() => undefined), [])
  return (
    <nav aria-label={t('nav.label')} className="flex shrink-0 border-t border-line bg-sunken pb-[env(safe-area-inset-bottom)] md:hidden">
      {PAGES.filter((page) => !LAST_PAGES.includes(page.name)).map(({ name, to, icon: Icon }) => (
        <Link key={name} to={to} className={TAB}>
          <Icon aria-hidden="true" className="size-5" strokeWidth={1.75} />
          <span className="max-w-full truncate text-2xs font-medium">{t(`nav.${name}`)}</span>
        </Link>
      ))}
      <button type="button" className={TAB} onClick={() => setOpen(true)} aria-haspopup="dialog">
        <Ellipsis aria-hidden="true" className="size-5" strokeWidth={1.75} />
        <span className="text-2xs font-medium">{t('nav.more')}</span>
      </button>
      <CatchBoundary getResetKey={() => String(open)} errorComponent={() => null}>
        <Suspense>{open && <MoreSheet onClose={() => setOpen(false)} />}</Suspense>
      </CatchBoundary>
    </nav>
  )
}
