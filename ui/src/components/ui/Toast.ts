// What toasts say; `Toaster` shows them.
import { Toast, type ToastManager } from '@base-ui/react/toast'
import { asApiError } from '@/api/client'

export interface Kept {
  tone: 'info' | 'good' | 'bad'
  /** The server's own words, in English. */
  detail?: string | undefined
}

export const toasts = patient(Toast.createToastManager<Kept>())
const SHORT = 5000
const LONG = 10_000

const MOST = 8

/** Keeps what is said before anybody shows it: `Toaster` comes after the first paint. */
function patient<T extends object>(manager: ToastManager<T>) {
  const subscribe = manager[' subscribe']
  const early: Parameters<Parameters<typeof subscribe>[0]>[0][] = []
  const leave = subscribe((event) => {
    if (early.length < MOST) early.push(event)
  })
  const later: typeof subscribe = (listener) => {
    leave()
    for (const event of early.splice(0)) listener(event)
    return subscribe(listener)
  }
  return { ...manager, ' subscribe': later }
}

interface Action {
  label: string
  onClick: () => void
}

function add({ tone, detail }: Kept, title: string, description?: string, action?: Action): string {
  const id: string = toasts.add({
    title,
    description,
    priority: tone === 'bad' ? 'high' : 'low',
    timeout: tone === 'bad' || action !== undefined ? LONG : SHORT,
    data: { tone, detail },
    ...(action && {
      actionProps: {
        children: action.label,
        onClick: () => {
          action.onClick()
          toasts.close(id)
        },
      },
    }),
  })
  return id
}

/** Short messages that go by themselves: what was done, with an undo for ten seconds, or what failed where no place shows it. */
export const toast = {
  info: (title: string, description?: string) => add({ tone: 'info' }, title, description),
  success: (title: string, description?: string) => add({ tone: 'good' }, title, description),
  error: (title: string, description?: string) => add({ tone: 'bad' }, title, description),
  /** A failure, as `Refusal` says it; `title` is what failed. */
  failure: (error: unknown, title?: string) => {
    const { message, detail } = asApiError(error)
    return title === undefined ? add({ tone: 'bad', detail }, message) : add({ tone: 'bad', detail }, title, message)
  },
  action: (title: string, action: Action) => add({ tone: 'info' }, title, undefined, action),
  close: (id: string) => toasts.close(id),
}
