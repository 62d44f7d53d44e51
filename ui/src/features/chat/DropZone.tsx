import { type ReactNode, useRef, useState } from 'react'
import { Upload } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { cn } from '@/components/ui/cn'

/** Takes files that are dropped anywhere on it. */
export function DropZone({ onFiles, className, children }: { onFiles: (files: readonly File[]) => void; className?: string; children: ReactNode }) {
  const { t } = useTranslation('chat')
  const [isOver, setOver] = useState(false)
  const depth = useRef(0)
  const hasFiles = (event: React.DragEvent) => event.dataTransfer.types.includes('Files')
  const leave = () => {
    depth.current = Math.max(0, depth.current - 1)
    if (depth.current === 0) setOver(false)
  }
  return (
    <div
      className={cn('relative', className)}
      onDragEnter={(event) => {
        if (!hasFiles(event)) return
        event.preventDefault()
        depth.current++
        setOver(true)
      }}
      onDragOver={(event) => hasFiles(event) && event.preventDefault()}
      onDragLeave={leave}
      onDrop={(event) => {
        if (!hasFiles(event)) return
        event.preventDefault()
        depth.current = 0
        setOver(false)
        onFiles([...event.dataTransfer.files])
      }}
    >
      {children}
      {isOver && (
        <div aria-hidden="true" className="pointer-events-none absolute inset-2 z-30 flex flex-col items-center justify-center gap-2 rounded-xl border-2 border-dashed border-accent bg-surface/90 text-md font-medium text-accent-ink">
          <Upload />
          {t('attach.drop')}
        </div>
      )}
    </div>
  )
}
