/** Whether it is an object as JSON has them: no list, and not null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The object that a text is as JSON; null where it is none. */
export function objectOf(text: string): Record<string, unknown> | null {
  try {
    const said: unknown = JSON.parse(text)
    return isObject(said) ? said : null
  } catch {
    return null
  }
}
