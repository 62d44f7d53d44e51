/**
 * Cuts a long paragraph into stretches that Markdown reads the same alone as in their place, so that of a paragraph that
 * is still written only the last stretch is parsed again.
 *
 * It cuts only where nothing is open: no emphasis, code, link or formula begins before a cut and ends behind it. Where a
 * cut lies depends on what stands before it and one letter behind it, so a paragraph that grows keeps its stretches.
 */
import { owned } from './owned'

/** A stretch is at least this long, in characters. */
export const STRETCH = 400
/** So far apart are the places that are tried for a cut, and so far from the beginning of a stretch the last of them is. */
const STEP = 60
const FARTHEST = 1600

export interface Paragraph {
  readonly text: string
  /** Joined by single spaces they are the text; one where nothing may be cut. */
  readonly stretches: readonly string[]
}

export const NO_PARAGRAPH: Paragraph = { text: '', stretches: [] }

/** A line of a paragraph: no list, heading, quote, table or rule begins like this. */
const LINE = /^ {0,3}(?!\d{1,9}[.)](?:\s|$))(?:[\p{L}\p{N}"'“‘「『(]|\*{1,2}[\p{L}\p{N}]|\$[^\s$]|\\\(|`[^`])/u
/** Whole by themselves: escapes, code, formulas, links, plain words with emphasis, and signs that mean nothing. */
const WHOLE = new RegExp(
  [
    /\\[^([\n]/u,
    /(?<ticks>`+)(?!`)[^`]+\k<ticks>(?!`)/u,
    /\\\((?:(?!\\\))[^\n])+\\\)/u,
    /\$\$[^$\n]+\$\$/u,
    /\$(?![\s$])(?:\\[^\n]|[^$\\\n])+(?<!\s)\$(?!\d)/u,
    /\[[^[\]`$*_~<\\\n]+\]\([^\s()<]+\)/u,
    /(?<![*_~])(?<mark>\*{1,2})(?=[\p{L}\p{N}])[^*_~`[\]$<\\\n]*[\p{L}\p{N}]\k<mark>(?![*_~])/u,
    /<(?=[\s\d=])/u,
  ]
    .map((one) => one.source)
    .join('|'),
  'gu',
)
const OPEN = /[`*_~[\]$\\<]/

/** The stretches of `text`; those of `before` are kept where `text` only goes on. */
export function stretched(before: Paragraph, text: string): Paragraph {
  if (text === before.text) return before
  if (text.length < 2 * STRETCH || !text.trimEnd().split('\n').every((line) => LINE.test(line))) return { text, stretches: [text] }
  const stretches = text.startsWith(before.text) ? before.stretches.slice(0, -1) : []
  let start = stretches.reduce((sum, one) => sum + one.length + 1, 0)
  for (let cut = nextCut(text, start); cut > 0; cut = nextCut(text, start)) {
    stretches.push(owned(text.slice(start, cut)))
    start = cut + 1
  }
  return { text, stretches: [...stretches, text.slice(start)] }
}

/** The place of the space that ends the stretch from `start`, or 0 where there is none yet. */
function nextCut(text: string, start: number): number {
  for (let at = text.indexOf(' ', start + STRETCH); at > 0 && at - start < FARTHEST; at = text.indexOf(' ', at + STEP)) {
    const isBetweenWords = /\S/.test(text.charAt(at - 1)) && /\p{L}/u.test(text.charAt(at + 1))
    if (isBetweenWords && !OPEN.test(text.slice(start, at).replace(WHOLE, ''))) return at
  }
  return 0
}
