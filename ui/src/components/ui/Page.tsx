import { useEffect, type ReactNode } from 'react'
import { cn } from './cn'

export interface PageProps {
  title: string
  /** Beside the title. */
  actions?: ReactNode
  children: ReactNode
  /** Without margins and its own scrolling: the page minds both. */
  bare?: boolean
  className?: string
}

/** A page of the shell: its heading, its name in the tab, its scrolling. */
export function Page({ title, actions, children, bare = false, className }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Dovetail`
  }, [title])
  if (bare) {
    return (
      <div className={cn('h-full min-h-0', className)}>
        <h1 className="sr-only">{title}</h1>
        {children}
      </div>
    )
  }
  return (
    <div className={cn('mx-auto flex max-w-6xl flex-col gap-4 p-4 md:p-6', className)}>
      <div className="flex flex-wrap items-center gap-3">
        <h1 className="min-w-0 grow text-xl font-semibold wrap-anywhere">{title}</h1>
        {actions}
      </div>
      {children}
    </div>
  )
}
