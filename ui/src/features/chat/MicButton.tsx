import { useEffect, useRef, useState } from 'react'
import { Mic, MicOff, Square } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/components/ui/Button'
import { cn } from '@/components/ui/cn'
import { toast } from '@/components/ui/Toast'
import { Tooltip } from '@/components/ui/Tooltip'
import { canRecord, record, type Recording } from './record'
import type { Model } from './use-models'

/** Records a sound for the model; where that is not possible, says why. */
export function MicButton({ model, onFile }: { model: Model | undefined; onFile: (file: File) => void }) {
  const { t } = useTranslation('chat')
  const recording = useRef<Recording | null>(null)
  const isAsking = useRef(false)
  const isGone = useRef(false)
  const [isOn, setOn] = useState(false)
  // Who leaves the conversation takes the microphone along.
  useEffect(() => {
    isGone.current = false
    return () => {
      isGone.current = true
      recording.current?.drop()
      recording.current = null
    }
  }, [])
  const reason = !window.isSecureContext
    ? t('mic.insecure')
    : !canRecord()
      ? t('mic.none')
      : model?.capabilities.includes('audio') !== true
        ? t('mic.model', { model: model?.id ?? '' })
        : null
  const press = async () => {
    if (reason !== null) {
      toast.info(reason)
      return
    }
    if (isAsking.current) return
    isAsking.current = true
    try {
      if (recording.current === null) {
        const begun = await record()
        if (isGone.current) begun.drop()
        else {
          recording.current = begun
          setOn(true)
        }
        return
      }
      const file = await recording.current.stop()
      recording.current = null
      setOn(false)
      if (file !== null) onFile(file)
    } catch (failure) {
      recording.current = null
      setOn(false)
      toast.failure(failure, t('mic.failed'))
    } finally {
      isAsking.current = false
    }
  }
  const label = reason ?? (isOn ? t('mic.stop') : t('mic.start'))
  return (
    <Tooltip text={label}>
      <Button
        variant="ghost"
        className={cn('w-8 px-0', isOn && 'animate-pulse bg-bad-soft text-bad')}
        aria-label={label}
        aria-disabled={reason !== null || undefined}
        data-testid="mic"
        onClick={() => void press()}
      >
        {isOn ? <Square /> : reason === null ? <Mic /> : <MicOff />}
      </Button>
    </Tooltip>
  )
}
