// The texts of the interface by feature. A feature adds its own with `addTexts`, beside the declaration
// `declare module '@/i18n/texts' { interface Texts { NAME: typeof en } }`, and reads them with `useTranslation('NAME')`.
import i18n from 'i18next'
import { initReactI18next } from 'react-i18next'
import { en } from './en'
import { ko } from './ko'

export const LANGUAGES = ['en', 'ko'] as const
export type Language = (typeof LANGUAGES)[number]

export interface Texts {
  common: typeof en
}

/** The same keys, other words: what `ko` has to be for an `en`. */
export type Translated<T> = { [K in keyof T]: T[K] extends string ? string : Translated<T[K]> }

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'common'
    resources: Texts
  }
}

const KEY = 'dovetail.language'

void i18n.use(initReactI18next).init({
  resources: { en: { common: en }, ko: { common: ko } },
  lng: document.documentElement.lang === 'ko' ? 'ko' : 'en',
  fallbackLng: 'en',
  defaultNS: 'common',
  interpolation: { escapeValue: false },
  initAsync: false,
  react: { useSuspense: false },
})

/** Registers a feature's texts, both languages at once, so that switching needs no reload. */
export function addTexts<N extends keyof Texts>(name: N, texts: { en: Texts[N]; ko: Translated<Texts[N]> }): void {
  for (const language of LANGUAGES) i18n.addResourceBundle(language, name, texts[language], true, true)
}

/** The language that is shown now. */
export function language(): Language {
  return i18n.language === 'ko' ? 'ko' : 'en'
}

export function setLanguage(next: Language): void {
  document.documentElement.lang = next
  try {
    localStorage.setItem(KEY, next)
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  void i18n.changeLanguage(next)
}

export { i18n }
