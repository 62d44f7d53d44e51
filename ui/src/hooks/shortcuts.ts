// Keyboard shortcuts: one listener, a list of what there is for the help, none while somebody writes unless it says so.
import { useEffect, useRef } from 'react'
import { createStore, useStore } from 'zustand'

export interface Shortcut {
  /** As `mod+shift+o`, `?`, `escape`, `alt+arrowup`; `mod` is Ctrl, on a Mac Command. */
  keys: string
  /** What it does, translated. Empty: not in the help. */
  label: string
  /** Also while the focus is in a text field; those with `mod` always are. */
  typing?: boolean
  scope?: 'general' | 'page'
}

interface Registered extends Shortcut {
  run: (event: KeyboardEvent) => void
}

const registry = createStore<readonly Registered[]>(() => [])
export const isMac = /Mac|iP(?:hone|ad|od)/.test(navigator.userAgent)

/** Whether `event` is the combination `keys`. */
export function matches(keys: string, event: KeyboardEvent): boolean {
  const parts = keys.toLowerCase().split('+')
  const key = parts.pop() ?? ''
  const has = (name: string) => parts.includes(name)
  const mod = isMac ? event.metaKey : event.ctrlKey
  const pressed = event.key.toLowerCase()
  // Under Shift, or with another layout such as Hangul, the letter is known by its place alone.
  const place = /^[a-z]$/.test(key) && event.code === `Key${key.toUpperCase()}`
  const shift = /^[a-z]$|^arrow|^enter$|^escape$|^f\d+$/.test(key) ? has('shift') === event.shiftKey : true
  return (pressed === key || place) && has('mod') === mod && has('alt') === event.altKey && shift
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName)
}

/** The one listener; the last registered shortcut that matches runs, in a dialog none of the page beneath it. */
export function listenForShortcuts(): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return
    const typing = isTyping(event.target)
    const inDialog = event.target instanceof Element && event.target.closest('[role=dialog]') !== null
    const found = registry
      .getState()
      .findLast((one) => !(inDialog && one.scope === 'page') && matches(one.keys, event) && (!typing || one.typing === true || one.keys.includes('mod+')))
    if (!found) return
    event.preventDefault()
    found.run(event)
  }
  window.addEventListener('keydown', onKey)
  return () => window.removeEventListener('keydown', onKey)
}

/** A shortcut while the component is there. */
export function useShortcut(shortcut: Shortcut, run: (event: KeyboardEvent) => void): void {
  const latest = useRef(run)
  useEffect(() => {
    latest.current = run
  })
  const { keys, label, typing, scope } = shortcut
  useEffect(() => {
    const entry: Registered = { keys, label, typing: typing ?? false, scope: scope ?? 'page', run: (e) => latest.current(e) }
    registry.setState((all) => [...all, entry], true)
    return () => registry.setState((all) => all.filter((one) => one !== entry), true)
  }, [keys, label, typing, scope])
}

/** All that there are now, for the help. */
export function useShortcuts(): readonly Shortcut[] {
  return useStore(registry)
}

const NAMES: Record<string, string> = {
  mod: isMac ? '⌘' : 'Ctrl',
  shift: isMac ? '⇧' : 'Shift',
  alt: isMac ? '⌥' : 'Alt',
  escape: 'Esc',
  arrowup: '↑',
  arrowdown: '↓',
  arrowleft: '←',
  arrowright: '→',
  enter: '↵',
}

/** The keys as they are written on a keyboard. */
export function keyNames(keys: string): string[] {
  return keys.split('+').map((key) => NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key))
}
