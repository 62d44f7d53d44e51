/** Puts the focus on the first field of `form` that is wrong, by the order of `mistakes`, which go by fields' names; whether one is. */
export function focusMistake(form: HTMLFormElement, mistakes: Readonly<Record<string, unknown>>): boolean {
  const name = Object.keys(mistakes).find((one) => mistakes[one] !== undefined)
  if (name === undefined) return false
  form.querySelector<HTMLInputElement>(`[name="${name}"]`)?.focus()
  return true
}
