import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Logo } from '@/app/shell/Logo'
import { setTheme, THEMES, useTheme } from '@/app/theme'
import { language, LANGUAGES, setLanguage } from '@/i18n/texts'
import { Segmented } from '@/components/ui/Segmented'

export interface FrameProps {
  title: string
  intro?: ReactNode
  children: ReactNode
}

/** What is around the pages that come before a login. */
export function Frame({ title, intro, children }: FrameProps) {
  const { t } = useTranslation()
  const theme = useTheme()
  return (
    <div className="flex min-h-dvh flex-col items-center justify-center gap-6 px-4 py-10">
      <main className="w-full max-w-sm rounded-xl border border-line bg-surface p-6 shadow-md md:p-7">
        <Logo className="mb-4 size-10" />
        <h1 className="text-xl font-semibold">{title}</h1>
        {intro !== undefined && <p className="mt-1.5 text-base text-ink-2">{intro}</p>}
        <div className="mt-5">{children}</div>
      </main>
      <footer className="flex flex-wrap justify-center gap-2">
        <Segmented
          size="sm"
          label={t('language.label')}
          value={language()}
          onValueChange={setLanguage}
          choices={LANGUAGES.map((value) => ({ value, label: <span lang={value}>{t(`language.${value}`)}</span> }))}
        />
        <Segmented size="sm" label={t('theme.label')} value={theme} onValueChange={setTheme} choices={THEMES.map((value) => ({ value, label: t(`theme.${value}`) }))} />
      </footer>
    </div>
  )
}
