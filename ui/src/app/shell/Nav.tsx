import { Link } from '@tanstack/react-router'
import { Search } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { setPaletteOpen } from '@/app/commands'
import { PAGES } from '@/app/pages'
import { keyNames } from '@/hooks/shortcuts'
import { Account } from './Account'
import { Logo } from './Logo'

/** The pages, from 768 px on: a rail at the left. */
export function Nav() {
  const { t } = useTranslation()
  return (
    <nav aria-label={t('nav.label')} className="hidden w-18 shrink-0 flex-col items-center gap-1 border-r border-line bg-sunken py-3 md:flex">
      <Link to="/chat" aria-label={t('app')} className="mb-2 rounded-lg p-1">
        <Logo className="size-7" />
      </Link>
      {PAGES.map(({ name, to, icon: Icon }) => (
        <Link
          key={name}
          to={to}
          activeOptions={{ exact: false }}
          className="group flex w-15.5 flex-col items-center gap-0.5 rounded-lg py-1.5 text-ink-2 transition-colors hover:bg-hover hover:text-ink data-[status=active]:bg-surface data-[status=active]:text-accent-ink data-[status=active]:shadow-sm"
        >
          <Icon aria-hidden="true" className="size-4.75" strokeWidth={1.75} />
          <span className="max-w-full truncate text-2xs font-medium">{t(`nav.${name}`)}</span>
        </Link>
      ))}
      <span className="flex-1" />
        <button
          type="button"
          aria-label={t('palette.open')}
          title={`${t('palette.open')} (${keyNames('mod+k').join('+')})`}
          onClick={() => setPaletteOpen(true)}
          className="flex size-9 items-center justify-center rounded-lg text-ink-2 hover:bg-hover hover:text-ink"
        >
          <Search className="size-4.5" strokeWidth={1.75} />
        </button>
      <Account />
    </nav>
  )
}
