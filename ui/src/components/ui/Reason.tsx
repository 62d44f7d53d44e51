import { reasonOf } from '@/api/reasons'
import { sentence } from '@/api/sentence'

export interface ReasonProps {
  children: string
  /** Behind words that it ends, such as `Not available:`. */
  goesOn?: boolean
  className?: string
}

/** Why something is not known or has failed, as the server says it; marked as English where it is. */
export function Reason({ children, goesOn = false, className }: ReasonProps) {
  const words = reasonOf(children)
  const isEnglish = words === children
  return (
    <span lang={isEnglish ? 'en' : undefined} className={className}>
      {isEnglish && !goesOn ? sentence(words) : words}
    </span>
  )
}
