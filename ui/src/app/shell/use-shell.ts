import { useNavigate } from '@tanstack/react-router'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { keys } from '@/api/keys'
import { setPaletteOpen, useCommands, type Command } from '@/app/commands'
import { PAGES } from '@/app/pages'
import { setTheme, THEMES } from '@/app/theme'
import { useShortcut } from '@/hooks/shortcuts'
import { LANGUAGES, setLanguage } from '@/i18n/texts'
import { hub } from '@/realtime/hub'
import { setHelpOpen } from './help'

/** What holds on every page: the event stream, what it says of the cache, commands and shortcuts. */
export function useShell(): void {
  useEvents()
  useShellCommands()
}

function useEvents(): void {
  const client = useQueryClient()
  useEffect(() => {
    const close = hub.start()
    const old = () => void client.invalidateQueries({ queryKey: keys.models })
    const listed = hub.on('models', (event) => {
      if (event.type === 'listed' || event.type === 'resync') old()
    })
    // What came while nothing was heard, for a lost connection or for nobody looking, was told to nobody.
    let deaf = false
    const back = hub.link.subscribe((link) => {
      if (link === 'live' && deaf) void client.invalidateQueries()
      deaf = link === 'lost' || link === 'paused' || (deaf && link !== 'live')
    })
    return () => {
      close()
      listed()
      back()
    }
  }, [client])
}

function useShellCommands(): void {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const commands = useMemo<Command[]>(() => {
    const pages = PAGES.map(({ name, to }) => ({
      id: `page-${name}`,
      label: t('palette.go', { page: t(`nav.${name}`) }),
      group: t('palette.pages'),
      keywords: name,
      run: () => void navigate({ to }),
    }))
    const themes = THEMES.map((theme) => ({
      id: `theme-${theme}`,
      label: t('palette.theme', { theme: t(`theme.${theme}`) }),
      group: t('palette.actions'),
      keywords: `theme ${theme}`,
      run: () => setTheme(theme),
    }))
    const languages = LANGUAGES.map((language) => ({
      id: `language-${language}`,
      label: t('palette.language', { language: t(`language.${language}`) }),
      group: t('palette.actions'),
      keywords: `language 언어 ${language}`,
      run: () => setLanguage(language),
    }))
    const help = { id: 'shortcuts', label: t('palette.shortcuts'), group: t('palette.actions'), keys: '?', run: () => setHelpOpen(true) }
    return [...pages, ...themes, ...languages, help]
  }, [t, navigate])
  useCommands(commands)
  useShortcut({ keys: 'mod+k', label: t('shortcuts.palette'), scope: 'general' }, () => setPaletteOpen(true))
  useShortcut({ keys: '?', label: t('shortcuts.help'), scope: 'general' }, () => setHelpOpen(true))
  useShortcut({ keys: 'mod+/', label: '', scope: 'general' }, () => setHelpOpen(true))
}
