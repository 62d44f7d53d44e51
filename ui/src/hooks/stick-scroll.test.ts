import { describe, expect, it } from 'vitest'
import { type Box, goesUp, Stick } from './stick-scroll'

function box(scrollHeight: number, scrollTop = 0): Box & { scrollHeight: number } {
  return { scrollHeight, scrollTop, clientHeight: 100 }
}

describe('Stick', () => {
  it('follows what grows while the reader is at the end', () => {
    const [stick, list] = [new Stick(), box(100)]
    for (let height = 150; height < 1000; height += 50) {
      list.scrollHeight = height
      stick.resized(list)
      stick.scrolled(list)
      expect(list.scrollTop).toBe(height - 100)
    }
  })

  it('never moves once the reader has gone up, and says that there is more', () => {
    const [stick, list] = [new Stick(), box(500)]
    stick.resized(list)
    stick.free()
    list.scrollTop = 350
    stick.scrolled(list)
    expect(stick.hasNew()).toBe(false)
    list.scrollHeight = 900
    stick.resized(list)
    expect(list.scrollTop).toBe(350)
    expect([stick.stuck(), stick.hasNew()]).toEqual([false, true])
  })

  it('calls nothing new that has grown for another width', () => {
    const [stick, list] = [new Stick(), box(500)]
    stick.resized(list)
    stick.free()
    list.scrollTop = 100
    stick.scrolled(list)
    list.scrollHeight = 700
    stick.resized(list, false)
    expect([stick.stuck(), stick.hasNew()]).toEqual([false, false])
  })

  it('stays free though the wheel has moved less than the margin', () => {
    const [stick, list] = [new Stick(), box(500)]
    stick.resized(list)
    stick.free()
    list.scrollTop = 390
    stick.scrolled(list)
    list.scrollHeight = 600
    stick.resized(list)
    expect(list.scrollTop).toBe(390)
  })

  it('follows again after a way down to the end, and after the button', () => {
    for (const by of ['hand', 'button']) {
      const [stick, list] = [new Stick(), box(500)]
      stick.resized(list)
      list.scrollTop = 100
      stick.scrolled(list)
      expect(stick.stuck()).toBe(false)
      if (by === 'button') stick.toEnd(list)
      else {
        list.scrollTop = 385
        stick.scrolled(list)
      }
      expect([stick.stuck(), stick.hasNew()]).toEqual([true, false])
      list.scrollHeight = 600
      stick.resized(list)
      expect(list.scrollTop).toBe(500)
    }
  })

  it('does not take a list that shrinks for a reader who goes up', () => {
    const [stick, list] = [new Stick(), box(500)]
    stick.resized(list)
    list.scrollHeight = 300
    list.scrollTop = 200
    stick.scrolled(list)
    expect(stick.stuck()).toBe(true)
  })

  it('tells listeners of changes alone', () => {
    const [stick, list] = [new Stick(), box(500)]
    let told = 0
    const off = stick.subscribe(() => told++)
    stick.resized(list)
    stick.free()
    stick.free()
    expect(told).toBe(1)
    off()
    stick.toEnd(list)
    expect(told).toBe(1)
  })
})

describe('goesUp', () => {
  const pressed = (init: KeyboardEventInit, on: Element = document.createElement('div')) => {
    let found = false
    on.addEventListener('keydown', (event) => { found = goesUp(event as KeyboardEvent) })
    on.dispatchEvent(new KeyboardEvent('keydown', init))
    return found
  }

  it('knows the keys that a browser scrolls up by', () => {
    for (const key of ['PageUp', 'ArrowUp', 'Home']) expect(pressed({ key })).toBe(true)
    expect(pressed({ key: ' ', shiftKey: true })).toBe(true)
    for (const key of ['PageDown', 'ArrowDown', 'End', ' ', 'a']) expect(pressed({ key })).toBe(false)
  })

  it('leaves those alone that move the caret of a field', () => {
    for (const field of ['textarea', 'input']) expect(pressed({ key: 'ArrowUp' }, document.createElement(field))).toBe(false)
  })
})
