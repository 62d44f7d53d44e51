import { Dialog as Base } from '@base-ui/react/dialog'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { authStatus } from '@/api/auth'
import { loggedIn, useLoginAsked } from '@/app/session'
import { giveUpUnsaved } from '@/app/unsaved'
import { hub } from '@/realtime/hub'
import { LoginForm } from './LoginForm'
import './texts'

/** The login over the page of whoever the server does not know any more; nothing else closes it, nor what is open beneath it. */
export function LoginDialog() {
  const { t } = useTranslation('auth')
  const client = useQueryClient()
  const asked = useLoginAsked()
  const { data: status } = useQuery(authStatus)
  const before = status?.name ?? undefined
  const password = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (!asked) return undefined
    const keep = (event: KeyboardEvent) => {
      if (event.key === 'Escape') event.stopPropagation()
    }
    window.addEventListener('keydown', keep, true)
    return () => window.removeEventListener('keydown', keep, true)
  }, [asked])
  const goOn = async (name: string) => {
    if (before !== undefined && before !== name) {
      giveUpUnsaved()
      location.reload()
      return new Promise<never>(() => undefined)
    }
    await client.refetchQueries({ queryKey: authStatus.queryKey })
    loggedIn()
    hub.retry()
    void client.invalidateQueries()
  }
  return (
    <Base.Root open={asked} disablePointerDismissal>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-60 bg-canvas/85 backdrop-blur-lg" />
        <Base.Popup
          initialFocus={before === undefined ? undefined : password}
          className="popup fixed top-1/2 left-1/2 z-60 max-h-[92dvh] w-[calc(100vw-2rem)] max-w-sm -translate-x-1/2 -translate-y-1/2 overflow-y-auto rounded-xl border border-line bg-surface p-6 text-ink shadow-lg outline-none"
        >
          <Base.Title className="text-xl font-semibold">{t('login.again')}</Base.Title>
          <Base.Description className="mt-1.5 mb-5 text-base text-ink-2">{t('login.againHelp')}</Base.Description>
          <LoginForm before={before} passwordRef={password} onEntered={goOn} />
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}
