/** Text as a literal of each language, such that it means exactly that text there. */

/** Of a POSIX shell. */
export function shell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** Of JavaScript and TypeScript. */
export function javascript(text: string): string {
  return JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
}

/** Of Python. JSON's escapes are Python's; what needs two units in JavaScript stays as it is. */
export function python(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\x7f')
}

/** Of Java. */
export function java(text: string): string {
  return controlled(JSON.stringify(text))
}

/** Of C#. */
export function csharp(text: string): string {
  return controlled(JSON.stringify(text)).replace(/[\u0085\u2028\u2029]/gu, (each) => {
    return `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** Of C++: control characters as three octal digits, since hexadecimal escapes take all digits that follow. */
export function cpp(text: string): string {
  const plain = JSON.stringify(text).replace(/\\(?:u([0-9a-f]{4})|.)/giu, (escape, hex?: string) => {
    const code = Number.parseInt(hex ?? 'ffff', 16)
    return code < 256 ? `\\${code.toString(8).padStart(3, '0')}` : escape
  })
  return plain.replaceAll('??', '?\\?')
}

/** Several lines of JSON as a text block of Java 15. */
export function javaBlock(text: string, indent: string): string {
  const body = text.replaceAll('\\', '\\\\').replaceAll('"""', '\\"""').split('\n').join(`\n${indent}`)
  return `"""\n${indent}${body}"""`
}

/** Several lines of JSON as a raw string of C++. */
export function cppRaw(text: string): string {
  let mark = 'json'
  while (text.includes(`)${mark}"`)) mark += '_'
  return `R"${mark}(${text})${mark}"`
}

function controlled(literal: string): string {
  return literal.replaceAll('\u007f', '\\u007f')
}
