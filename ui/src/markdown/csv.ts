/** Rows as RFC 4180 has them. */
export function csvOf(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => row.map(field).join(',')).join('\r\n')
}

function field(value: string): string {
  // A spreadsheet would run what begins like a formula; a plain number may keep its sign.
  const safe = /^[=+\-@\t\r]/.test(value) && !/^[+-]?[\d.,]+%?$/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
