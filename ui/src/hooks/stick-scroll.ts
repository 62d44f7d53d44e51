import { type RefObject, useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from "react";

/**
 * A list that follows what is written at its end, but only while its reader is there.
 *
 * Any move up (wheel, touch, keys, the scrollbar, a selection) frees it, and nothing moves by itself from then on, not
 * even at the end of an answer; the reader's own way to the bottom, or `toEnd`, has it follow again.
 */

/** Nearer to the end than this many pixels is at the end. */
export const NEAR_PX = 24;

export interface Box {
  scrollTop: number;
  readonly scrollHeight: number;
  readonly clientHeight: number;
}

export class Stick {
  private isStuck = true;
  private lastTop = 0;
  private isNew = false;
  private readonly listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly stuck = (): boolean => this.isStuck;

  /** Whether text has come below what the reader sees since it was freed. */
  readonly hasNew = (): boolean => this.isNew;

  /** The reader has moved up, or holds the list (a selection). */
  free(): void {
    if (this.isStuck) this.set(false, this.isNew);
  }

  /** The box has been scrolled, by whoever. Only a way down to the end sticks: text that grows moves nothing. */
  scrolled(box: Box): void {
    const up = box.scrollTop < this.lastTop - 1;
    const down = box.scrollTop > this.lastTop;
    this.lastTop = box.scrollTop;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight <= NEAR_PX;
    if (atEnd && (down || this.isStuck)) this.set(true, false);
    else if (up && !atEnd) this.free();
  }

  /** The content has grown or shrunk. */
  resized(box: Box): void {
    if (this.isStuck) {
      this.toEnd(box);
    } else if (box.scrollHeight - box.scrollTop - box.clientHeight > NEAR_PX) {
      this.set(false, true);
    }
  }

  toEnd(box: Box): void {
    const top = Math.max(0, box.scrollHeight - box.clientHeight);
    // Set before the scroll event comes, which must not look like the reader's own.
    this.lastTop = top;
    box.scrollTop = top;
    this.set(true, false);
  }

  private set(isStuck: boolean, isNew: boolean): void {
    if (isStuck === this.isStuck && isNew === this.isNew) return;
    this.isStuck = isStuck;
    this.isNew = isNew;
    for (const listener of this.listeners) listener();
  }
}

export interface StickScroll {
  readonly stuck: boolean;
  readonly hasNew: boolean;
  toEnd(): void;
}

/** Follows the growth of `inner` inside `outer`, the element that scrolls. */
export function useStickScroll(outer: RefObject<HTMLElement | null>, inner: RefObject<HTMLElement | null>, key: string): StickScroll {
  const stick = useMemo(() => new Stick(), [key]);
  const touchY = useRef(0);
  useEffect(() => {
    const [box, content] = [outer.current, inner.current];
    if (box === null || content === null) return;
    const onScroll = (): void => stick.scrolled(box);
    const onWheel = (event: WheelEvent): void => {
      if (event.deltaY < 0) stick.free();
    };
    const onTouch = (event: TouchEvent): void => {
      const y = event.touches[0]?.clientY ?? 0;
      if (event.type === "touchmove" && y > touchY.current) stick.free();
      touchY.current = y;
    };
    const onKey = (event: KeyboardEvent): void => {
      if (["PageUp", "ArrowUp", "Home"].includes(event.key)) stick.free();
    };
    const onSelect = (): void => {
      const selection = document.getSelection();
      if (selection !== null && !selection.isCollapsed && content.contains(selection.anchorNode)) stick.free();
    };
    const grown = new ResizeObserver(() => stick.resized(box));
    grown.observe(content);
    grown.observe(box);
    box.addEventListener("scroll", onScroll, { passive: true });
    box.addEventListener("wheel", onWheel, { passive: true });
    box.addEventListener("touchstart", onTouch, { passive: true });
    box.addEventListener("touchmove", onTouch, { passive: true });
    box.addEventListener("keydown", onKey);
    document.addEventListener("selectionchange", onSelect);
    stick.toEnd(box);
    return () => {
      grown.disconnect();
      box.removeEventListener("scroll", onScroll);
      box.removeEventListener("wheel", onWheel);
      box.removeEventListener("touchstart", onTouch);
      box.removeEventListener("touchmove", onTouch);
      box.removeEventListener("keydown", onKey);
      document.removeEventListener("selectionchange", onSelect);
    };
  }, [stick, outer, inner]);
  const toEnd = useCallback(() => {
    if (outer.current !== null) stick.toEnd(outer.current);
  }, [stick, outer]);
  const stuck = useSyncExternalStore(stick.subscribe, stick.stuck);
  const hasNew = useSyncExternalStore(stick.subscribe, stick.hasNew);
  return { stuck, hasNew, toEnd };
}
