import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Message } from './types'

/** Says that an answer has begun and that it has ended; read out word by word it would drown everything else. */
export function RunAnnouncer({ message }: { message: Message | undefined }) {
  const { t } = useTranslation('chat')
  const [said, setSaid] = useState('')
  const before = useRef<string | null>(null)
  const id = message?.role === 'assistant' ? message.id : null
  const status = message?.status
  useEffect(() => {
    if (id === null || status === undefined) return
    if (status === 'streaming') {
      before.current = id
      setSaid(t('announce.begun'))
    } else if (before.current === id) {
      before.current = null
      setSaid(t(`announce.${status}`))
    }
  }, [id, status, t])
  return (
    <p role="status" className="sr-only" data-testid="announcer">
      {said}
    </p>
  )
}
