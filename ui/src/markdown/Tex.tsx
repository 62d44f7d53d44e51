import { memo, useEffect, useSyncExternalStore } from 'react'
import { DISPLAY } from './inline'
import { isLoaded, load, render, subscribe } from './tex'

/** One formula; as it was written until KaTeX is here. */
export const Tex = memo(function Tex({ tex, isBlock = false }: { tex: string; isBlock?: boolean }) {
  const ready = useSyncExternalStore(subscribe, isLoaded)
  useEffect(() => {
    if (!ready) void load()
  }, [ready])
  const isDisplay = isBlock || tex.startsWith(DISPLAY)
  const html = ready ? render(tex.startsWith(DISPLAY) ? tex.slice(DISPLAY.length) : tex, isDisplay) : null
  const Tag = isBlock ? 'div' : 'span'
  if (html === null) return <Tag className="font-mono text-[0.9em]">{tex}</Tag>
  // A formula that is wider than the column scrolls by keyboard, too.
  const scroll = isDisplay ? { className: 'tex-display', tabIndex: 0, role: 'math', 'aria-label': tex } : {}
  return <Tag {...scroll} dangerouslySetInnerHTML={{ __html: html }} />
})
