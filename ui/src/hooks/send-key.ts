/** Which Enter sends a message, as the settings of this browser say it. */
import { modEnter, plainEnter, type Wants } from './ime-enter'

export type SendKey = 'enter' | 'mod-enter'

const KEY = 'dovetail.send-key'

export function sendKey(): SendKey {
  try {
    return localStorage.getItem(KEY) === 'mod-enter' ? 'mod-enter' : 'enter'
  } catch {
    return 'enter'
  }
}

export function setSendKey(next: SendKey): void {
  try {
    localStorage.setItem(KEY, next)
  } catch {
    // Without storage Enter sends.
  }
}

export function wantsOf(key: SendKey = sendKey()): Wants {
  return key === 'enter' ? plainEnter : modEnter
}
