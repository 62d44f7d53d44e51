/** What a piece of Markdown is told before it is parsed: which dollars are formulas, and how it ends while it is still written. */

const CODE = /(`+)(?:(?!`)[\s\S])*?[^`]\1(?!`)|^ {0,3}(`{3,}|~{3,})[\s\S]*?(?:^ *\2[`~]*[ \t]*$|$(?![\s\S]))/gm
/** Display mode in a formula inside text: KaTeX's own word, which `Tex` takes as a sign. */
export const DISPLAY = '\\displaystyle '

/** Formulas as `$…$` alone, every other dollar escaped, so that prices stay prices. Code is left as it is. */
export function formulas(text: string): string {
  if (!text.includes('$') && !text.includes('\\(') && !text.includes('\\[')) return text
  let out = ''
  let last = 0
  for (const code of text.matchAll(CODE)) {
    out += formulasOutside(text.slice(last, code.index)) + code[0]
    last = code.index + code[0].length
  }
  return out + formulasOutside(text.slice(last))
}

const FORMULA =
  /\\\\|\\\$|\\\(((?:(?!\n\s*\n)[\s\S])*?)\\\)|\\\[((?:(?!\n\s*\n)[\s\S])*?)\\\]|\$\$((?:(?!\n\s*\n)[^$])+)\$\$|\$(?![\s$])((?:\\[\s\S]|[^$\\\n])*?)(?<!\s)\$(?!\d)|\$/g

function formulasOutside(text: string): string {
  return text.replace(FORMULA, (found: string, round?: string, square?: string, double?: string, single?: string) => {
    const display = square ?? double
    if (display !== undefined) return display.trim() === '' ? escaped(found) : `$${DISPLAY}${oneLine(display)}$`
    const inline = round ?? single
    if (inline !== undefined) return inline.trim() === '' ? escaped(found) : `$${oneLine(inline)}$`
    return found === '$' ? '\\$' : found
  })
}

function escaped(text: string): string {
  return text.replace(/\$/g, '\\$')
}

function oneLine(tex: string): string {
  return tex.replace(/\s*\n\s*/g, ' ').trim()
}

/** Ends what is still open at the end of a text that goes on, so that a word is bold from its first letter. */
export function closed(text: string): string {
  const cut = text
    .replace(/(?:^|(?<=\s))(?:\*{1,3}|_{1,3}|~~?|`{1,2})$/, '')
    .replace(
      /!?\[[^\]\n]*$|(!?)\[([^\]\n]*)\]\([^)\n]*$/,
      (found, _image?: string, label?: string) => label ?? found.replace(/^!?\[/, ''),
    )
  let out = ''
  const stripped = cut.replace(/\\[\s\S]/g, '  ')
  const ticks = stripped.match(/`+/g) ?? []
  const open = openTick(ticks)
  if (open !== null) return cut + open
  const words = stripped.replace(CODE, (code) => ' '.repeat(code.length))
  if (count(words, /\*\*/g) % 2 === 1) out += '**'
  if (count(words, /~~/g) % 2 === 1) out += '~~'
  return out === '' ? cut : cut.trimEnd() + out
}

function openTick(runs: readonly string[]): string | null {
  let open: string | null = null
  for (const run of runs) {
    if (open === null) open = run
    else if (run === open) open = null
  }
  return open
}

function count(text: string, what: RegExp): number {
  return text.match(what)?.length ?? 0
}
