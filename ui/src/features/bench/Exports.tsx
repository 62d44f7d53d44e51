import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '@/api/client'
import { Button, buttonClass } from '@/components/ui/Button'
import { toast } from '@/components/ui/Toast'
import { pngOf, save } from './png'

const FORMATS = ['csv', 'json', 'md', 'svg', 'html'] as const

/** A benchmark as files. The server writes them, so that they have every digit and are the same for everybody. */
export function Exports({ id, baseline }: { id: string; baseline: string | undefined }) {
  const { t } = useTranslation('bench')
  const [busy, setBusy] = useState(false)
  const address = (format: string) => {
    const against = baseline === undefined ? '' : `&baseline=${encodeURIComponent(baseline)}`
    return `/api/v1/benchmarks/${encodeURIComponent(id)}/export?format=${format}${against}`
  }
  const image = async () => {
    setBusy(true)
    try {
      save(await pngOf(address('svg')), `${id}.png`)
    } catch (error) {
      toast.failure(error, error instanceof ApiError ? undefined : t('result.pngFailed'))
    } finally {
      setBusy(false)
    }
  }
  return (
    <div role="group" aria-label={t('result.export')} className="flex flex-wrap gap-1.5">
      {FORMATS.map((format) => (
        <a
          key={format}
          href={address(format)}
          download={`${id}.${format}`}
          aria-label={t('result.exportAs', { format: format.toUpperCase() })}
          className={buttonClass({ size: 'sm' })}
        >
          {format.toUpperCase()}
        </a>
      ))}
      <Button size="sm" busy={busy} aria-label={t('result.exportAs', { format: 'PNG' })} onClick={() => void image()}>
        PNG
      </Button>
    </div>
  )
}
