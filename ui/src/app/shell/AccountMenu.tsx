import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Keyboard, Languages, LogIn, LogOut, Monitor, Moon, Sun, UserRound } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { authStatus } from '@/api/auth'
import { logOut } from '@/app/session'
import { setTheme, THEMES, useTheme } from '@/app/theme'
import { Menu, type MenuItem } from '@/components/ui/Menu'
import { toast } from '@/components/ui/Toast'
import { language, LANGUAGES, setLanguage } from '@/i18n/texts'
import { setHelpOpen } from './help'

const ICONS = { system: Monitor, light: Sun, dark: Moon }

/** Who one is, how it looks, and the way out. */
export function AccountMenu() {
  const { t } = useTranslation()
  const { data: status } = useQuery(authStatus)
  const theme = useTheme()
  const navigate = useNavigate()
  const name = status?.name ?? undefined
  const themes = THEMES.map((one): MenuItem => {
    const Icon = ICONS[one]
    return { label: t(`theme.${one}`), icon: <Icon />, checked: one === theme, onSelect: () => setTheme(one) }
  })
  const languages = LANGUAGES.map(
    (one): MenuItem => ({ label: t(`language.${one}`), icon: <Languages />, checked: one === language(), onSelect: () => setLanguage(one) }),
  )
  const leave: MenuItem = name
    ? {
        label: t('action.logout'),
        icon: <LogOut />,
        hint: name,
        onSelect: () => void logOut().catch(toast.failure),
      }
    : status?.setup_required === true
      ? { label: t('account.create'), icon: <UserRound />, onSelect: () => void navigate({ to: '/setup' }) }
      : { label: t('action.login'), icon: <LogIn />, onSelect: () => void navigate({ to: '/login', search: {} }) }
  return (
    <Menu
      side="right"
      align="end"
      trigger={
        <button
          type="button"
          aria-label={name ? t('account.of', { name }) : t('account.menu')}
          className="flex size-9 items-center justify-center rounded-full bg-pressed text-sm font-semibold text-ink-2 uppercase hover:text-ink"
        >
          {name ? [...name][0] : <UserRound className="size-4.5" strokeWidth={1.75} />}
        </button>
      }
      groups={[
        themes,
        languages,
        [{ label: t('shortcuts.title'), icon: <Keyboard />, onSelect: () => setHelpOpen(true) }],
        [leave],
      ]}
    />
  )
}
