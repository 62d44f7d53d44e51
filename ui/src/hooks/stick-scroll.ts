import { type RefCallback, useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react'

/**
 * A list that follows what is written at its end, but only while its reader is there.
 *
 * Any move up (wheel, touch, keys, the scrollbar, a selection) frees it, and nothing moves by itself from then on, not
 * even at the end of an answer; the reader's own way to the bottom, or `toEnd`, has it follow again.
 */

/** Nearer to the end than this many pixels is at the end. */
export const NEAR_PX = 24

export interface Box {
  scrollTop: number
  readonly scrollHeight: number
  readonly clientHeight: number
}

export class Stick {
  private isStuck = true
  private lastTop = 0
  private isNew = false
  private readonly listeners = new Set<() => void>()

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  readonly stuck = (): boolean => this.isStuck

  /** Whether text has come below what the reader sees since it was freed. */
  readonly hasNew = (): boolean => this.isNew

  /** The reader has moved up, or holds the list (a selection). */
  free(): void {
    if (this.isStuck) this.set(false, this.isNew)
  }

  /** The box has been scrolled, by whoever. Only a way down to the end sticks: text that grows moves nothing. */
  scrolled(box: Box): void {
    const up = box.scrollTop < this.lastTop - 1
    const down = box.scrollTop > this.lastTop
    this.lastTop = box.scrollTop
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight <= NEAR_PX
    if (atEnd && (down || this.isStuck)) this.set(true, false)
    else if (up && !atEnd) this.free()
  }

  /** The content has grown or shrunk: by what is written, else for another width or a picture that has come. */
  resized(box: Box, isWritten = true): void {
    if (this.isStuck) {
      this.toEnd(box)
    } else if (isWritten && box.scrollHeight - box.scrollTop - box.clientHeight > NEAR_PX) {
      this.set(false, true)
    }
  }

  toEnd(box: Box): void {
    const top = Math.max(0, box.scrollHeight - box.clientHeight)
    // Set before the scroll event comes, which must not look like the reader's own.
    this.lastTop = top
    box.scrollTop = top
    this.set(true, false)
  }

  private set(isStuck: boolean, isNew: boolean): void {
    if (isStuck === this.isStuck && isNew === this.isNew) return
    this.isStuck = isStuck
    this.isNew = isNew
    for (const listener of this.listeners) listener()
  }
}

export interface StickScroll {
  /** For the element that scrolls; its first child is watched for growth. */
  ref: RefCallback<HTMLElement>
  stuck: boolean
  /** Whether text has come below what the reader sees. */
  hasNew: boolean
  /** Goes to the end, and follows it again. */
  stick: () => void
}

const UP_KEYS = new Set(['PageUp', 'ArrowUp', 'Home'])

/** Whether a key moves the list up; in a field the same ones move the caret. */
export function goesUp({ key, shiftKey, target }: KeyboardEvent): boolean {
  if (target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement) return false
  return UP_KEYS.has(key) || (key === ' ' && shiftKey)
}

/** What was written may be laid out this long after its end. */
const AFTER_MS = 500

/** `isWriting`: what grows is new text. */
export function useStickScroll(isWriting: boolean): StickScroll {
  const [state] = useState(() => new Stick())
  const box = useRef<HTMLElement | null>(null)
  const written = useRef(isWriting)
  useEffect(() => {
    if (isWriting) written.current = true
    const timer = setTimeout(() => (written.current = isWriting), AFTER_MS)
    return () => clearTimeout(timer)
  }, [isWriting])
  const stick = useCallback(() => {
    if (box.current !== null) state.toEnd(box.current)
  }, [state])
  const ref = useCallback(
    (element: HTMLElement | null) => {
      box.current = element
      return element === null ? undefined : watch(element, state, () => written.current)
    },
    [state],
  )
  const stuck = useSyncExternalStore(state.subscribe, state.stuck)
  const hasNew = useSyncExternalStore(state.subscribe, state.hasNew)
  return { ref, stuck, hasNew, stick }
}

/** Tells `state` of all that happens to `box` and its content, until the answer is called. */
function watch(box: HTMLElement, state: Stick, isWritten: () => boolean): () => void {
  let touchY = 0
  const end = new AbortController()
  const passive = { passive: true, signal: end.signal }
  // At its beginning there is no way up.
  const up = () => box.scrollTop > 0 && state.free()
  const onTouch = (event: TouchEvent) => {
    const y = event.touches[0]?.clientY ?? 0
    if (event.type === 'touchmove' && y > touchY) up()
    touchY = y
  }
  const onSelect = () => {
    const selection = document.getSelection()
    if (selection !== null && !selection.isCollapsed && box.contains(selection.anchorNode)) state.free()
  }
  box.addEventListener('scroll', () => state.scrolled(box), passive)
  box.addEventListener('wheel', (event) => event.deltaY < 0 && up(), passive)
  box.addEventListener('touchstart', onTouch, passive)
  box.addEventListener('touchmove', onTouch, passive)
  box.addEventListener('keydown', (event) => goesUp(event) && up(), { signal: end.signal })
  document.addEventListener('selectionchange', onSelect, { signal: end.signal })
  const growth = new ResizeObserver(() => state.resized(box, isWritten()))
  growth.observe(box)
  for (const child of box.children) growth.observe(child)
  state.toEnd(box)
  return () => {
    growth.disconnect()
    end.abort()
  }
}
