import { memo } from 'react'
import { FileText } from 'lucide-react'
import { bytes } from '@/i18n/format'
import { fileAddress } from './api'
import type { FilePart } from './types'

/** A file of a message: a picture is seen, a sound is heard, any other is opened. */
export const FileChip = memo(function FileChip({ file }: { file: FilePart }) {
  const address = fileAddress(file.file_id)
  if (file.type === 'image')
    return (
      <a href={address} target="_blank" rel="noopener noreferrer" className="block">
        <img src={address} alt={file.name} loading="lazy" className="max-h-64 max-w-full rounded-lg border border-line" />
      </a>
    )
  if (file.type === 'audio')
    return (
      <figure className="flex max-w-full flex-col gap-1">
        <figcaption className="truncate text-xs text-ink-3">{file.name}</figcaption>
        {/* What was said here, nobody has written down. */}
        {/* oxlint-disable-next-line jsx-a11y/media-has-caption */}
        <audio controls preload="metadata" src={address} aria-label={file.name} className="h-10 max-w-full" />
      </figure>
    )
  return (
    <a
      href={address}
      target="_blank"
      rel="noopener noreferrer"
      className="inline-flex max-w-full items-center gap-2 rounded-md border border-line bg-surface px-2.5 py-1.5 text-sm hover:bg-hover"
    >
      <FileText aria-hidden size={14} className="shrink-0 text-ink-3" />
      <span className="truncate">{file.name}</span>
      <span className="shrink-0 text-xs text-ink-3">{bytes(file.bytes)}</span>
    </a>
  )
})
