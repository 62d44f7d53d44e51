/** A piece of a line in one style; `colour` counts as terminals do, 0 to 7 and 8 to 15 for the bright ones. */
export interface Piece {
  readonly text: string
  readonly colour?: number
  readonly bold?: boolean
  readonly dim?: boolean
}

// What a terminal would obey rather than show: control sequences, titles (ended by BEL or ST), and lone escapes.
// eslint-disable-next-line no-control-regex
const ESCAPES = /\u001b(?:\[([0-?]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|.?)/gu

export function hasEscapes(text: string): boolean {
  return text.includes('\u001b')
}

export function withoutEscapes(text: string): string {
  return hasEscapes(text) ? text.replace(ESCAPES, '') : text
}

/** The pieces of a line whose colours a terminal would show. */
export function pieces(text: string): Piece[] {
  if (!hasEscapes(text)) return text === '' ? [] : [{ text }]
  const found: Piece[] = []
  let style: Omit<Piece, 'text'> = {}
  let at = 0
  for (const match of text.matchAll(ESCAPES)) {
    if (match.index > at) found.push({ text: text.slice(at, match.index), ...style })
    at = match.index + match[0].length
    if (match[2] === 'm') style = styled(style, match[1] ?? '')
  }
  if (at < text.length) found.push({ text: text.slice(at), ...style })
  return found
}

function styled(before: Omit<Piece, 'text'>, codes: string): Omit<Piece, 'text'> {
  let style = before
  const numbers = codes.split(/[;:]/u).map(Number)
  for (let place = 0; place < numbers.length; place += 1) {
    const code = numbers[place] as number
    if (code === 0) style = {}
    else if (code === 1) style = { ...style, bold: true }
    else if (code === 2) style = { ...style, dim: true }
    else if (code === 22) style = { ...(style.colour === undefined ? {} : { colour: style.colour }) }
    else if (code >= 30 && code <= 37) style = { ...style, colour: code - 30 }
    else if (code >= 90 && code <= 97) style = { ...style, colour: code - 82 }
    else if (code === 39) style = plain(style)
    else if (code === 38 || code === 48) {
      const index = numbers[place + 1] === 5 ? numbers[place + 2] : undefined
      if (code === 38 && index !== undefined && index < 16) style = { ...style, colour: index }
      place += numbers[place + 1] === 5 ? 2 : 4
    }
  }
  return style
}

function plain(style: Omit<Piece, 'text'>): Omit<Piece, 'text'> {
  const { colour: _colour, ...rest } = style
  return rest
}
