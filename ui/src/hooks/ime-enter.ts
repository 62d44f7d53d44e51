import { type CompositionEvent, type KeyboardEvent, useEffect, useMemo, useRef } from 'react'

/**
 * Enter sends once, whatever input method writes: never twice, never not at all.
 *
 * While Hangul is composed, Enter both ends the syllable and is meant to send; the browser says so in one of three orders
 * (keydown, compositionend; the same with a second keydown; compositionend, keydown). In Japanese and Chinese the same key
 * chooses a candidate and sends nothing.
 */

export interface Key {
  readonly key: string
  readonly keyCode: number
  readonly isComposing: boolean
  readonly shiftKey: boolean
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
}

/** Which Enter sends. */
export type Wants = (key: Key) => boolean

/** Enter without Shift, which begins a line. */
export function plainEnter(key: Key): boolean {
  return !key.shiftKey && !key.altKey
}

/** Enter with Ctrl or Cmd. */
export function modEnter(key: Key): boolean {
  return (key.ctrlKey || key.metaKey) && !key.shiftKey && !key.altKey
}

export interface Surroundings {
  now(): number
  soon(then: () => void): void
}

const BROWSER: Surroundings = { now: () => performance.now(), soon: (then) => queueMicrotask(then) }
const HANGUL = /[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]$/u
/** The second keydown that some systems send for one press comes within this time, in ms. */
const ECHO_MS = 80

export class ImeEnter {
  private pending = false
  private swallowUntil = Number.NEGATIVE_INFINITY
  private endedAt = Number.NEGATIVE_INFINITY
  private endedInHangul = false

  private readonly send: () => void
  private readonly wants: Wants
  private readonly around: Surroundings

  constructor(send: () => void, wants: Wants = plainEnter, around: Surroundings = BROWSER) {
    this.send = send
    this.wants = wants
    this.around = around
  }

  /** Whether the key has been dealt with: the browser is to do nothing more. */
  keydown(key: Key): boolean {
    if (key.key !== 'Enter' && key.keyCode !== 13) {
      if (key.keyCode !== 229) this.pending = false
      return false
    }
    if (!this.wants(key)) return false
    if (key.isComposing) {
      this.pending = true
      return false
    }
    const now = this.around.now()
    if (key.keyCode === 229) return this.afterComposition(now)
    if (now < this.swallowUntil) return true
    this.send()
    return true
  }

  compositionend(data: string): void {
    const now = this.around.now()
    this.endedAt = now
    this.endedInHangul = HANGUL.test(data)
    if (this.pending && this.endedInHangul) this.sendSoon(now)
    this.pending = false
  }

  /** WebKit ends the composition first and says then which key it was. */
  private afterComposition(now: number): boolean {
    if (now < this.swallowUntil) return true
    const justEnded = now - this.endedAt < ECHO_MS
    if (justEnded && this.endedInHangul) this.sendSoon(now)
    else if (!justEnded) this.pending = true
    return justEnded
  }

  private sendSoon(now: number): void {
    this.swallowUntil = now + ECHO_MS
    // The field has the composed text only after this event.
    this.around.soon(this.send)
  }
}

export interface ImeEnterHandlers {
  onKeyDown: (event: KeyboardEvent) => void
  onCompositionEnd: (event: CompositionEvent) => void
}

/** Handlers for a text field whose Enter sends; a key that was dealt with has its default prevented. */
export function useImeEnter(send: () => void, wants: Wants = plainEnter): ImeEnterHandlers {
  const latest = useRef({ send, wants })
  useEffect(() => {
    latest.current = { send, wants }
  })
  return useMemo(() => {
    const machine = new ImeEnter(
      () => latest.current.send(),
      (key) => latest.current.wants(key),
    )
    return {
      onKeyDown: (event) => {
        if (machine.keydown(event.nativeEvent)) event.preventDefault()
      },
      onCompositionEnd: (event) => machine.compositionend(event.data),
    }
  }, [])
}

/** Enter on a keyboard drawn on the screen begins a line: there is a button beside it, and no Shift. */
export function enterHere(chosen: Wants): Wants {
  return window.matchMedia('(hover: none) and (pointer: coarse)').matches ? modEnter : chosen
}
