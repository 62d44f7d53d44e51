/** Long code is drawn in pieces of this many lines, so that what is finished is never laid out again. */
export const LINES = 50

/** Plain code as pieces that joined are the code. */
export function pieces(code: string, lines = LINES): string[] {
  const found: string[] = []
  let start = 0
  let count = 0
  for (let feed = code.indexOf('\n'); feed >= 0; feed = code.indexOf('\n', feed + 1)) {
    if (++count % lines === 0) {
      found.push(code.slice(start, feed + 1))
      start = feed + 1
    }
  }
  if (start < code.length || found.length === 0) found.push(code.slice(start))
  return found
}

/** HTML of spans as pieces of whole lines, each well-formed by itself: what is open at a cut is closed and opened again. */
export function chunksOf(html: string, lines = LINES): string[] {
  const open: string[] = []
  return pieces(html, lines).map((piece) => {
    const before = open.join('')
    for (const tag of piece.matchAll(/<span[^>]*>|<\/span>/g)) {
      if (tag[0] === '</span>') open.pop()
      else open.push(tag[0])
    }
    return before + piece + '</span>'.repeat(open.length)
  })
}
