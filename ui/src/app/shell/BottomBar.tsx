import { Link } from '@tanstack/react-router'
import { Ellipsis, Search } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { setPaletteOpen } from '@/app/commands'
import { PAGES } from '@/app/pages'
import { Button } from '@/components/ui/Button'
import { Sheet } from '@/components/ui/Sheet'
import { AccountMenu } from './AccountMenu'

const SHOWN = 4
const TAB =
  'flex min-w-0 flex-1 flex-col items-center gap-0.5 py-1.5 text-ink-2 -outline-offset-2 data-[status=active]:text-accent-ink'

/** The pages below 768 px: four at the bottom, the others in a sheet. */
export function BottomBar() {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  return (
    <nav aria-label={t('nav.label')} className="flex shrink-0 border-t border-line bg-sunken pb-[env(safe-area-inset-bottom)] md:hidden">
      {PAGES.slice(0, SHOWN).map(({ name, to, icon: Icon }) => (
        <Link key={name} to={to} className={TAB}>
          <Icon aria-hidden="true" className="size-5" strokeWidth={1.75} />
          <span className="max-w-full truncate px-1 text-2xs font-medium">{t(`nav.${name}`)}</span>
        </Link>
      ))}
      <button type="button" className={TAB} onClick={() => setOpen(true)} aria-haspopup="dialog">
        <Ellipsis aria-hidden="true" className="size-5" strokeWidth={1.75} />
        <span className="text-2xs font-medium">{t('nav.more')}</span>
      </button>
      <Sheet open={open} onOpenChange={setOpen} title={t('nav.more')} side="bottom">
        <div className="flex flex-col gap-1">
          {PAGES.slice(SHOWN).map(({ name, to, icon: Icon }) => (
            <Link key={name} to={to} onClick={() => setOpen(false)} className="flex items-center gap-3 rounded-lg px-3 py-2.5 text-md hover:bg-hover">
              <Icon aria-hidden="true" className="size-5 text-ink-3" strokeWidth={1.75} />
              {t(`nav.${name}`)}
            </Link>
          ))}
          <div className="mt-2 flex items-center gap-3 border-t border-line px-3 pt-3">
            <Button
              onClick={() => {
                setOpen(false)
                setPaletteOpen(true)
              }}
              className="flex-1"
            >
              <Search />
              {t('palette.title')}
            </Button>
            <AccountMenu />
          </div>
        </div>
      </Sheet>
    </nav>
  )
}
