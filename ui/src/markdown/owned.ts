/**
 * The same text with memory of its own.
 *
 * Engines make a slice as a window on the text it was cut from. An answer is a new text with every drawing: blocks cut
 * from each of them would keep them all, a thousand times the answer.
 */
export function owned(slice: string): string {
  // Joined it is a new text, which the second slice is a window on.
  return ` ${slice}`.slice(1)
}
