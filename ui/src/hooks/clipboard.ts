// Copying, on plain http in the LAN as well, where browsers have no `navigator.clipboard`.
import { useCallback, useEffect, useRef, useState } from 'react'
import { toast } from '@/components/ui/Toast'
import { i18n } from '@/i18n/texts'

/** Whether `text` is in the clipboard now. */
export async function copyText(text: string): Promise<boolean> {
  if (window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(text)
      return true
    } catch {
      // Not allowed in this frame or without focus: the old way may still do.
    }
  }
  return copySelected(text)
}

function copySelected(text: string): boolean {
  const before = document.activeElement
  const area = document.createElement('textarea')
  area.value = text
  area.setAttribute('aria-hidden', 'true')
  area.style.cssText = 'position:fixed;inset:0 auto auto 0;opacity:0;pointer-events:none'
  // Inside an open dialog: its focus trap would take the selection away from anywhere else.
  const host = (before?.closest('[role="dialog"]') ?? document.body) as HTMLElement
  host.append(area)
  area.select()
  let done = false
  try {
    done = document.execCommand('copy')
  } catch {
    done = false
  }
  area.remove()
  if (before instanceof HTMLElement) before.focus({ preventScroll: true })
  return done
}

const SHOWN_FOR = 1600

/** `copied` is true for a moment after a copy that worked; one that failed is told by a toast. */
export function useCopy(): { copied: boolean; copy: (text: string) => void } {
  const [copied, setCopied] = useState(false)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const copy = useCallback((text: string) => {
    void copyText(text).then((done) => {
      if (!done) {
        toast.error(i18n.t('error.copy'))
        return
      }
      setCopied(true)
      clearTimeout(timer.current)
      timer.current = setTimeout(() => setCopied(false), SHOWN_FOR)
    })
  }, [])
  return { copied, copy }
}
