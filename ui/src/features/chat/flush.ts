/**
 * How often what arrives is drawn: the first at once, then at most every 66 ms, and every 100 ms after a drawing that took long.
 *
 * Tokens may come thousands a second; drawn one by one they would leave no time for anything else.
 */

export const QUICK_MS = 66
export const SLOW_MS = 100
export const LONG_MS = 16

export interface Timer {
  now(): number
  /** Runs `then` after `ms`; the answer calls it off. */
  after(ms: number, then: () => void): () => void
}

export const BROWSER_TIMER: Timer = {
  now: () => performance.now(),
  after: (ms, then) => {
    const id = setTimeout(then, ms)
    return () => clearTimeout(id)
  },
}

export class Flush {
  private last = Number.NEGATIVE_INFINITY
  private pause = QUICK_MS
  private callOff: (() => void) | null = null

  private readonly draw: () => void
  private readonly timer: Timer

  constructor(draw: () => void, timer: Timer = BROWSER_TIMER) {
    this.draw = draw
    this.timer = timer
  }

  /** Something has arrived: it is drawn now or with the next drawing. */
  ask(): void {
    if (this.callOff !== null) return
    const wait = this.last + this.pause - this.timer.now()
    if (wait <= 0) this.run()
    else
      this.callOff = this.timer.after(wait, () => {
        this.callOff = null
        // The pause may have become longer since: it is known late how long a drawing took.
        this.ask()
      })
  }

  /** Draws at once, whatever is waiting: the end of an answer, a change of phase. */
  now(): void {
    this.run()
  }

  stop(): void {
    this.callOff?.()
    this.callOff = null
  }

  private run(): void {
    this.stop()
    const begun = this.timer.now()
    this.draw()
    this.last = this.timer.now()
    this.pause = QUICK_MS
    // React draws what it was told in a microtask: how long that took is known after it.
    this.timer.after(0, () => {
      this.last = this.timer.now()
      this.pause = this.last - begun > LONG_MS ? SLOW_MS : QUICK_MS
    })
  }
}
