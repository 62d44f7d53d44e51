// What the server says of a failure, as it stands by itself on a page: the server says it as a part of a line, in lower case.

/**
 * The words with a capital and a full stop. Where they begin with a name (`tiny-gguf`, `context:`, the field `param`), that stays as it is,
 * and so does an end that is one, or lines of a program.
 */
export function sentence(said: string, param: string | null = null): string {
  const [first] = /^[a-z]+(?=[ ,'])/.exec(said) ?? []
  const begun = first === undefined || first === param ? said : said.charAt(0).toUpperCase() + said.slice(1)
  if (said.includes('\n') || /(?:^|\s)\S*[\w)\]'"]$/.exec(said) === null) return begun
  const last = said.slice(said.search(/\S+$/))
  return /^[^)\]'"]*[\\/_.=-][^)\]'"]*$/.test(last) ? begun : `${begun}.`
}
