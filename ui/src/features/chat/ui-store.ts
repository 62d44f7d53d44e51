/** What of the page belongs to this browser alone: drafts, panels, the model that was used last. */
import { createStore, useStore } from 'zustand'
import type { ApiError } from '@/api/client'
import type { Params } from './types'

export interface Draft {
  readonly text: string
  readonly files: readonly File[]
}

/** What was said of how the next conversation begins; what was not is as one's defaults have it. */
export interface Beginning {
  readonly model?: string | null | undefined
  readonly system_prompt?: string | undefined
  readonly params?: Params | undefined
}

const NOTHING: Beginning = {}

/** Why something did not happen: what the server refused, or in words. */
export type Problem = ApiError | string

interface Ui {
  readonly drafts: Readonly<Record<string, Draft>>
  /** Why the last thing that was asked for did not happen, by conversation. */
  readonly problems: Readonly<Record<string, Problem | null>>
  readonly beginning: Beginning
  readonly isPanelOpen: boolean
  readonly isHistoryOpen: boolean
}

export const NO_DRAFT: Draft = { text: '', files: [] }
const MODEL = 'dovetail.chat.model'
const PANEL = 'dovetail.chat.panel'
const HISTORY = 'dovetail.chat.history'

const store = createStore<Ui>(() => ({
  drafts: {},
  problems: {},
  beginning: NOTHING,
  isPanelOpen: kept(PANEL) === 'open',
  isHistoryOpen: kept(HISTORY) !== 'closed',
}))

/** Of a conversation, or of the one that is not yet begun (null). */
export function useDraft(chatId: string | null): Draft {
  return useStore(store, (ui) => ui.drafts[chatId ?? ''] ?? NO_DRAFT)
}

export function draftOf(chatId: string | null): Draft {
  return store.getState().drafts[chatId ?? ''] ?? NO_DRAFT
}

export function setDraft(chatId: string | null, change: Partial<Draft>): void {
  store.setState((ui) => ({ drafts: { ...ui.drafts, [chatId ?? '']: { ...draftOf(chatId), ...change } } }))
}

/** Takes what was sent out of a draft; what was written meanwhile stays. */
export function takeOut(chatId: string | null, sent: Draft): void {
  const now = draftOf(chatId)
  const text = now.text.startsWith(sent.text) ? now.text.slice(sent.text.length) : now.text
  setDraft(chatId, { text, files: now.files.filter((file) => !sent.files.includes(file)) })
}

export function useProblem(chatId: string | null): Problem | null {
  return useStore(store, (ui) => ui.problems[chatId ?? ''] ?? null)
}

export function setProblem(chatId: string | null, problem: Problem | null): void {
  store.setState((ui) => ({ problems: { ...ui.problems, [chatId ?? '']: problem } }))
}

export function useBeginning(): Beginning {
  return useStore(store, (ui) => ui.beginning)
}

export function setBeginning(change: Beginning): void {
  store.setState((ui) => ({ beginning: { ...ui.beginning, ...change } }))
}

/** After it has become a conversation: of the next nothing is said yet. */
export function forgetBeginning(): void {
  store.setState({ beginning: NOTHING })
}

export function usePanelOpen(): boolean {
  return useStore(store, (ui) => ui.isPanelOpen)
}

export function useHistoryOpen(): boolean {
  return useStore(store, (ui) => ui.isHistoryOpen)
}

export function togglePanel(): void {
  store.setState((ui) => ({ isPanelOpen: !ui.isPanelOpen }))
  keep(PANEL, store.getState().isPanelOpen ? 'open' : 'closed')
}

export function toggleHistory(): void {
  store.setState((ui) => ({ isHistoryOpen: !ui.isHistoryOpen }))
  keep(HISTORY, store.getState().isHistoryOpen ? 'open' : 'closed')
}

export function lastModel(): string | null {
  return kept(MODEL)
}

export function rememberModel(model: string): void {
  keep(MODEL, model)
}

function kept(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}
