import { Fragment, memo, useRef } from 'react'
import { NO_PARAGRAPH, stretched } from './paragraph'
import { Parsed } from './Parsed'

/** A block of text. A long paragraph is parsed in stretches, of which only the last changes while it is written. */
export const Prose = memo(function Prose({ text, isGrowing }: { text: string; isGrowing: boolean }) {
  const before = useRef(NO_PARAGRAPH)
  const found = stretched(before.current, text)
  before.current = found
  const last = found.stretches.length - 1
  if (last < 1) return <Parsed text={text} isGrowing={isGrowing} />
  return (
    <p>
      {found.stretches.map((stretch, index) => (
        // Stretches are only ever added: the place is the identity.
        // oxlint-disable-next-line react/no-array-index-key
        <Fragment key={index}>
          <Parsed text={stretch} isGrowing={isGrowing && index === last} isStretch />
          {index < last && ' '}
        </Fragment>
      ))}
    </p>
  )
})
