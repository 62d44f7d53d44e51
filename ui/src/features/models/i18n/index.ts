import { addTexts } from '@/i18n/texts'
import { en } from './en'
import { ko } from './ko'

declare module '@/i18n/texts' {
  interface Texts {
    models: typeof en
  }
}

addTexts('models', { en, ko })
