/**
 * Cuts an answer into top-level Markdown blocks while it is written.
 *
 * A block is frozen once the line after it is whole, and keeps its identity from then on, so that what has been drawn is
 * never drawn again. Where a boundary lies is decided by whole lines alone: however a text arrives, its blocks are the same.
 * It cuts only where CommonMark surely begins a new block; what stays together is told apart when it is drawn.
 */
import { owned } from './owned'

export type BlockKind = 'text' | 'code' | 'math'

export interface Block {
  readonly kind: BlockKind
  /** The block as it was written, blank lines behind it included: all blocks joined are the text. */
  readonly source: string
  /** What is inside the fence of code or the delimiters of a formula; the source of text. */
  readonly body: string
  /** The language of code as its fence says it, in lower case; else empty. */
  readonly language: string
  /** Whether a fence or a formula has no end yet. */
  readonly open: boolean
}

export interface Split {
  readonly text: string
  readonly blocks: readonly Block[]
  /** How many blocks will never change, and where in the text the first of the others begins. */
  readonly frozen: number
  readonly offset: number
}

export const EMPTY: Split = { text: '', blocks: [], frozen: 0, offset: 0 }

interface Line {
  readonly start: number
  readonly end: number
  readonly text: string
  readonly whole: boolean
}

interface Fence {
  readonly char: string
  readonly size: number
  readonly indent: number
  readonly language: string
}

const FENCE = /^( {0,3})(`{3,}|~{3,})(.*)$/
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])( +|\t|$)/
const RULE = /^ {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$/
const DISPLAY = /^ {0,3}(\$\$|\\\[)/

/** The blocks of `text`; what `before` has frozen is taken from there where `text` only goes on. */
export function split(before: Split, text: string): Split {
  if (text === before.text) return before
  if (text === '') return EMPTY
  const goesOn = text.length > before.text.length && text.startsWith(before.text)
  const longer = goesOn ? withLongerCode(before, text) : null
  if (longer !== null) return longer
  const kept = goesOn ? before.blocks.slice(0, before.frozen) : []
  const from = goesOn ? before.offset : 0
  const rest = from > 0 ? owned(text.slice(from)) : text
  const lines = linesOf(rest, 0)
  // A line that is not whole may still become another one: it is drawn as what it looks like, but decides nothing for good.
  const settled = starts(lines.at(-1)?.whole === true ? lines : lines.slice(0, -1))
  const tail = settled.pop() ?? 0
  const cuts = [...settled, ...starts(lines.slice(tail)).map((index) => index + tail)]
  const blocks = cuts.map((first, index) => {
    const next = cuts[index + 1]
    return blockOf(rest.slice(at(lines, first).start, next === undefined ? rest.length : at(lines, next).start))
  })
  const offset = from + at(lines, tail).start
  return { text, blocks: keepSame(before, [...kept, ...blocks]), frozen: kept.length + settled.length, offset }
}

const HEAD = /^(?:[ \t]*\n)*([^\n]*)\n/

/** The same where open code at the end has become longer and is still open: only what is new is looked at. Else null. */
function withLongerCode(before: Split, text: string): Split | null {
  const old = before.blocks.at(-1)
  if (old?.kind !== 'code' || !old.open || before.frozen !== before.blocks.length - 1) return null
  const source = text.slice(before.offset)
  const head = HEAD.exec(old.source)
  const fence = fenceOf(head?.[1] ?? '')
  if (head === null || fence === null || fence.indent > 0 || source.includes('\r')) return null
  const from = before.text.lastIndexOf('\n') + 1
  if (linesOf(text, from).some((line) => closes(line.text, fence))) return null
  const block = { ...old, source, body: source.slice(head[0].length) }
  return { ...before, text, blocks: [...before.blocks.slice(0, -1), block] }
}

/** The indices of the lines that begin a block. */
function starts(lines: readonly Line[]): number[] {
  const found: number[] = []
  for (let first = 0; first < lines.length; first = endOf(lines, first)) found.push(first)
  return found
}

/** Blocks that say the same are the same object, so that nothing is drawn again for them. */
function keepSame(before: Split, blocks: Block[]): Block[] {
  return blocks.map((block, index) => {
    const old = before.blocks[index]
    return old !== undefined && old.source === block.source && old.open === block.open ? old : block
  })
}

function linesOf(text: string, from: number): Line[] {
  const lines: Line[] = []
  for (let start = from; start < text.length;) {
    const feed = text.indexOf('\n', start)
    const end = feed < 0 ? text.length : feed + 1
    lines.push({ start, end, text: text.slice(start, feed < 0 ? end : feed).replace(/\r$/, ''), whole: feed >= 0 })
    start = end
  }
  return lines
}

function at(lines: readonly Line[], index: number): Line {
  const line = lines[index]
  if (line === undefined) throw new RangeError(`no line ${index} of ${lines.length}`)
  return line
}

/** The index of the first line behind the block that begins at or after `first`. */
function endOf(lines: readonly Line[], first: number): number {
  let begin = first
  while (begin < lines.length && isBlank(at(lines, begin).text)) begin++
  if (begin >= lines.length) return lines.length
  const head = at(lines, begin).text
  const fence = fenceOf(head)
  if (fence !== null) return afterBlank(lines, endOfFence(lines, begin + 1, fence))
  if (beginsFormula(head)) {
    const end = endOfFormula(lines, begin)
    if (end !== null) return afterBlank(lines, end)
  }
  return ITEM.test(head) && !RULE.test(head) ? endOfList(lines, begin) : endOfText(lines, begin)
}

function afterBlank(lines: readonly Line[], from: number): number {
  let index = from
  while (index < lines.length && isBlank(at(lines, index).text)) index++
  return index
}

function endOfFence(lines: readonly Line[], from: number, fence: Fence): number {
  for (let index = from; index < lines.length; index++) if (closes(at(lines, index).text, fence)) return index + 1
  return lines.length
}

/** Whether the line looks like the first of a formula that stands alone. Told by itself: lines to come may not move a boundary. */
function beginsFormula(line: string): boolean {
  if (!DISPLAY.test(line)) return false
  const rest = line.trim().slice(2)
  const close = line.trimStart().startsWith('$$') ? '$$' : '\\]'
  return rest.endsWith(close) || !rest.includes(close)
}

/** Null where a blank line or a fence comes first: what looked like a formula is text. */
function endOfFormula(lines: readonly Line[], begin: number): number | null {
  const head = at(lines, begin).text.trimStart()
  const close = head.startsWith('$$') ? '$$' : '\\]'
  for (let index = begin; index < lines.length; index++) {
    const line = index === begin ? head.slice(2) : at(lines, index).text
    if (line.trimEnd().endsWith(close)) return index + 1
    if (index > begin && (isBlank(line) || fenceOf(line) !== null)) return null
  }
  return lines.length
}

function endOfText(lines: readonly Line[], begin: number): number {
  const isIndentedCode = indentOf(at(lines, begin).text) >= 4
  for (let index = begin + 1; index < lines.length; index++) {
    const line = at(lines, index).text
    if (isBlank(line)) {
      const next = afterBlank(lines, index)
      if (next >= lines.length || !isIndentedCode || indentOf(at(lines, next).text) < 4) return next
      index = next
    } else if (fenceOf(line) !== null || beginsFormula(line)) return index
  }
  return lines.length
}

function endOfList(lines: readonly Line[], begin: number): number {
  let inside = contentIndent(at(lines, begin).text)
  let afterGap = false
  for (let index = begin + 1; index < lines.length; index++) {
    const line = at(lines, index).text
    if (isBlank(line)) {
      afterGap = true
      continue
    }
    if (indentOf(line) < inside) {
      const isItem = ITEM.test(line) && !RULE.test(line)
      if (fenceOf(line) !== null || (afterGap && !isItem)) return index
      if (isItem) inside = contentIndent(line)
    }
    afterGap = false
  }
  return lines.length
}

function fenceOf(line: string): Fence | null {
  const found = FENCE.exec(line)
  if (found === null) return null
  const [, indent = '', run = '', info = ''] = found
  if (run.startsWith('`') && info.includes('`')) return null
  const language = /^[^\s{]*/.exec(info.trim())?.[0] ?? ''
  return { char: run.charAt(0), size: run.length, indent: indent.length, language: language.toLowerCase() }
}

function closes(line: string, fence: Fence): boolean {
  const run = line.trim()
  return indentOf(line) < 4 && run.length >= fence.size && run === fence.char.repeat(run.length)
}

function contentIndent(line: string): number {
  const found = ITEM.exec(line)
  if (found === null) return 0
  const [, indent = '', marker = '', gap = ''] = found
  const width = gap.startsWith(' ') && gap.length <= 4 ? gap.length : 1
  return indent.length + marker.length + width
}

function indentOf(line: string): number {
  let width = 0
  for (const char of line) {
    if (char === ' ') width++
    else if (char === '\t') width += 4 - (width % 4)
    else break
  }
  return width
}

function isBlank(line: string): boolean {
  return line.trim() === ''
}

function blockOf(source: string): Block {
  const lines = linesOf(source, 0)
  const begin = lines.findIndex((line) => !isBlank(line.text))
  if (begin < 0) return { kind: 'text', source, body: source, language: '', open: false }
  const head = at(lines, begin).text
  const fence = fenceOf(head)
  if (fence !== null) return codeOf(source, lines, begin, fence)
  if (beginsFormula(head) && endOfFormula(lines, begin) !== null) return formulaOf(source)
  return { kind: 'text', source, body: source, language: '', open: false }
}

function codeOf(source: string, lines: readonly Line[], begin: number, fence: Fence): Block {
  const end = endOfFence(lines, begin + 1, fence)
  const last = lines[end - 1]
  const closed = end - 1 > begin && last !== undefined && closes(last.text, fence)
  const inside = lines.slice(begin + 1, closed ? end - 1 : end).map((line) => dedent(line.text, fence.indent))
  const ended = lines.at(-1)?.whole ?? false
  const body = inside.join('\n') + (!closed && ended && inside.length > 0 ? '\n' : '')
  return { kind: 'code', source, body, language: fence.language, open: !closed }
}

function dedent(line: string, most: number): string {
  let cut = 0
  while (cut < most && line.charAt(cut) === ' ') cut++
  return line.slice(cut)
}

function formulaOf(source: string): Block {
  const trimmed = source.trim()
  const close = trimmed.startsWith('$$') ? '$$' : '\\]'
  const closed = trimmed.length >= 4 && trimmed.endsWith(close)
  const body = trimmed.slice(2, closed ? -2 : undefined).trim()
  return { kind: 'math', source, body, language: '', open: !closed }
}
