/** JSON set out over lines; what is no JSON, as arguments that are still written are not, stays as it is. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
