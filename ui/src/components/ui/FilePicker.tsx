import type { RefObject } from 'react'

export interface FilePickerProps {
  /** Its `click()` opens the browser's own dialog. */
  ref: RefObject<HTMLInputElement | null>
  accept?: string
  multiple?: boolean
  testId?: string
  onFiles: (files: File[]) => void
}

/** Files of this device; the same one can be chosen twice in a row. */
export function FilePicker({ ref, accept, multiple, testId, onFiles }: FilePickerProps) {
  return (
    <input
      ref={ref}
      type="file"
      hidden
      accept={accept}
      multiple={multiple}
      data-testid={testId}
      onChange={(event) => {
        const files = [...(event.target.files ?? [])]
        event.target.value = ''
        onFiles(files)
      }}
    />
  )
}
