import { addTexts } from '@/i18n/texts'
import { en } from './i18n/en'
import { ko } from './i18n/ko'

declare module '@/i18n/texts' {
  interface Texts {
    settings: typeof en
  }
}

addTexts('settings', { en, ko })
