import { memo } from 'react'
import { CodeBlock } from './CodeBlock'
import { Prose } from './Prose'
import type { Block as BlockValue } from './splitter'
import { Tex } from './Tex'

/** One block of an answer. Drawn again only when it has changed, which of all blocks the last alone does. */
export const Block = memo(function Block({ block, isGrowing }: { block: BlockValue; isGrowing: boolean }) {
  switch (block.kind) {
    case 'code':
      return <CodeBlock code={block.body} language={block.language} isOpen={block.open && isGrowing} />
    case 'math':
      return block.open ? (
        <p className="whitespace-pre-wrap font-mono text-[0.9em]">{block.source}</p>
      ) : (
        <Tex tex={block.body} isBlock />
      )
    case 'text':
      return <Prose text={block.source} isGrowing={isGrowing} />
  }
})
