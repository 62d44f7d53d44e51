import { memo, useRef } from 'react'
import { Block } from './Block'
import { EMPTY, split } from './splitter'

/** An answer in Markdown, whole or still written: only what has changed since the last drawing is parsed and drawn. */
export const Markdown = memo(function Markdown({ text, isGrowing = false }: { text: string; isGrowing?: boolean }) {
  const before = useRef(EMPTY)
  const found = split(before.current, text)
  before.current = found
  const last = found.blocks.length - 1
  return (
    <div className="markdown">
      {found.blocks.map((block, index) => (
        // Blocks are only ever added: the place is the identity.
        // eslint-disable-next-line react/no-array-index-key
        <Block key={index} block={block} isGrowing={isGrowing && index === last} />
      ))}
    </div>
  )
})
