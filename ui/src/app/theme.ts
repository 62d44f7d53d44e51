// Light, dark, or as the system has it. `public/theme.js` sets the same before the first paint.
import { createStore, useStore } from 'zustand'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const KEY = 'dovetail.theme'
const dark = window.matchMedia('(prefers-color-scheme: dark)')

function stored(): Theme {
  try {
    const said = localStorage.getItem(KEY)
    return said === 'light' || said === 'dark' ? said : 'system'
  } catch {
    return 'system'
  }
}

const store = createStore<Theme>(stored)

function paint(): void {
  const theme = store.getState()
  document.documentElement.dataset['theme'] = theme === 'system' ? (dark.matches ? 'dark' : 'light') : theme
}

store.subscribe(paint)
dark.addEventListener('change', paint)

export function setTheme(theme: Theme): void {
  try {
    if (theme === 'system') localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, theme)
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  store.setState(theme, true)
}

export function useTheme(): Theme {
  return useStore(store)
}
