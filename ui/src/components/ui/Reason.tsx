import { reasonOf } from '@/api/reasons'

/** Why something is not known or has failed, as the server says it; marked as English where it is. */
export function Reason({ children, className }: { children: string; className?: string }) {
  const words = reasonOf(children)
  return (
    <span lang={words === children ? 'en' : undefined} className={className}>
      {words}
    </span>
  )
}
