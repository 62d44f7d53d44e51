import { useMemo, useRef } from "react";

/**
 * Enter sends once, whatever input method writes: never twice, never not at all.
 *
 * While Hangul is composed, Enter both ends the syllable and is meant to send; the browser says so in one of three orders
 * (keydown, compositionend; the same with a second keydown; compositionend, keydown). In Japanese and Chinese the same key
 * chooses a candidate and sends nothing.
 */

export interface Key {
  readonly key: string;
  readonly keyCode: number;
  readonly isComposing: boolean;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}

/** `enter`: Enter sends, Shift+Enter begins a line. `mod-enter`: Ctrl or Cmd with Enter sends. `never`: as on a phone's keyboard. */
export type SendKey = "enter" | "mod-enter" | "never";

export interface Surroundings {
  now(): number;
  soon(then: () => void): void;
}

const BROWSER: Surroundings = { now: () => performance.now(), soon: (then) => queueMicrotask(then) };
const HANGUL = /[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]$/u;
/** The second keydown that some systems send for one press comes within this time, in ms. */
const ECHO_MS = 80;

export class ImeEnter {
  private pending = false;
  private swallowUntil = Number.NEGATIVE_INFINITY;
  private endedAt = Number.NEGATIVE_INFINITY;
  private endedInHangul = false;

  constructor(
    private readonly send: () => void,
    private readonly sendKey: () => SendKey = () => "enter",
    private readonly around: Surroundings = BROWSER,
  ) {}

  /** Whether the key has been dealt with: the browser is to do nothing more. */
  keydown(key: Key): boolean {
    if (key.key !== "Enter" && key.keyCode !== 13) {
      if (key.keyCode !== 229) this.pending = false;
      return false;
    }
    if (!this.means(key)) return false;
    if (key.isComposing) {
      this.pending = true;
      return false;
    }
    const now = this.around.now();
    if (key.keyCode === 229) return this.afterComposition(now);
    if (now < this.swallowUntil) return true;
    this.send();
    return true;
  }

  compositionend(data: string): void {
    const now = this.around.now();
    this.endedAt = now;
    this.endedInHangul = HANGUL.test(data);
    if (this.pending && this.endedInHangul) this.sendSoon(now);
    this.pending = false;
  }

  /** WebKit ends the composition first and says then which key it was. */
  private afterComposition(now: number): boolean {
    if (now < this.swallowUntil) return true;
    const justEnded = now - this.endedAt < ECHO_MS;
    if (justEnded && this.endedInHangul) this.sendSoon(now);
    else if (!justEnded) this.pending = true;
    return justEnded;
  }

  private sendSoon(now: number): void {
    this.swallowUntil = now + ECHO_MS;
    // The field has the composed text only after this event.
    this.around.soon(this.send);
  }

  private means(key: Key): boolean {
    if (key.altKey) return false;
    const mod = key.ctrlKey || key.metaKey;
    switch (this.sendKey()) {
      case "never":
        return mod;
      case "mod-enter":
        return mod && !key.shiftKey;
      case "enter":
        return !key.shiftKey;
    }
  }
}

interface Handlers<E> {
  onKeyDown(event: { nativeEvent: Key; preventDefault(): void } & E): boolean;
  onCompositionEnd(event: { data: string } & E): void;
}

/** What a text field needs: `onKeyDown` answers whether Enter was dealt with. */
export function useImeEnter(send: () => void, sendKey: SendKey = "enter"): Handlers<unknown> {
  const latest = useRef({ send, sendKey });
  latest.current = { send, sendKey };
  return useMemo(() => {
    const machine = new ImeEnter(
      () => latest.current.send(),
      () => latest.current.sendKey,
    );
    return {
      onKeyDown: (event) => {
        const done = machine.keydown(event.nativeEvent);
        if (done) event.preventDefault();
        return done;
      },
      onCompositionEnd: (event) => machine.compositionend(event.data),
    };
  }, []);
}

/** Enter on a keyboard drawn on the screen begins a line: there is a button beside it, and no Shift. */
export function sendKeyHere(chosen: SendKey): SendKey {
  return window.matchMedia("(hover: none) and (pointer: coarse)").matches ? "never" : chosen;
}
