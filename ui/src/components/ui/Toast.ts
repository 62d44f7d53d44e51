// What toasts say; `Toaster` shows them.
import { Toast } from '@base-ui/react/toast'
import { asApiError } from '@/api/client'

export interface Kept {
  tone: 'info' | 'good' | 'bad'
}

export const toasts = Toast.createToastManager<Kept>()
const SHORT = 5000
const LONG = 10_000

interface Action {
  label: string
  onClick: () => void
}

function add(tone: Kept['tone'], title: string, description?: string, action?: Action): string {
  const id: string = toasts.add({
    title,
    description,
    priority: tone === 'bad' ? 'high' : 'low',
    timeout: tone === 'bad' || action !== undefined ? LONG : SHORT,
    data: { tone },
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
  info: (title: string, description?: string) => add('info', title, description),
  success: (title: string, description?: string) => add('good', title, description),
  error: (title: string, description?: string) => add('bad', title, description),
  /** A failure, in the words of whoever refused. */
  failure: (error: unknown) => {
    const { message, detail } = asApiError(error)
    return add('bad', message, detail)
  },
  action: (title: string, action: Action) => add('info', title, undefined, action),
  close: (id: string) => toasts.close(id),
}
