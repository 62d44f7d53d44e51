import { useId } from 'react'
import { CopyButton } from './CopyButton'

export interface SecretBoxProps {
  /** Why it is to be copied now. */
  label: string
  secret: string
}

/** A secret that is shown once, to be copied. */
export function SecretBox({ label, secret }: SecretBoxProps) {
  const id = useId()
  return (
    <div role="group" aria-labelledby={id} className="rounded-lg bg-good-soft p-3">
      <p id={id} className="mb-1.5 text-sm font-medium text-good">
        {label}
      </p>
      <div className="flex items-center gap-2">
        <code data-secret className="min-w-0 flex-1 font-mono text-sm break-all text-ink select-all">
          {secret}
        </code>
        <CopyButton text={secret} />
      </div>
    </div>
  )
}
