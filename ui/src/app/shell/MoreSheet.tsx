import { Link } from '@tanstack/react-router'
import { Search } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { setPaletteOpen } from '@/app/commands'
import { LAST_PAGES, PAGES } from '@/app/pages'
import { Button } from '@/components/ui/Button'
import { Sheet } from '@/components/ui/Sheet'
import { Account } from './Account'

/** What has no room in the bottom bar. */
export function MoreSheet({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  return (
    <Sheet open onOpenChange={onClose} title={t('nav.more')} side="bottom">
      <div className="flex flex-col gap-1">
        {PAGES.filter((page) => LAST_PAGES.includes(page.name)).map(({ name, to, icon: Icon }) => (
          <Link key={name} to={to} onClick={() => onClose()} className="flex items-center gap-3 rounded-lg px-3 py-2.5 text-md hover:bg-hover">
            <Icon aria-hidden="true" className="size-5 text-ink-3" strokeWidth={1.75} />
            {t(`nav.${name}`)}
          </Link>
        ))}
        <div className="mt-2 flex items-center gap-3 border-t border-line px-3 pt-3">
          <Button
            onClick={() => {
              onClose()
              setPaletteOpen(true)
            }}
            className="flex-1"
          >
            <Search />
            {t('palette.title')}
          </Button>
          <Account />
        </div>
      </div>
    </Sheet>
  )
}
