/** Columns as wide as their longest cell, two spaces between, nothing after the last: easy to read and to cut apart. */

export type Row = readonly string[]

/** The header in capitals, then the rows. An empty cell shows `-`, so that columns stay countable. */
export function formatTable(header: readonly string[], rows: readonly Row[]): readonly string[] {
  const cells = [
    header.map((name) => name.toUpperCase()),
    ...rows.map((row) => header.map((_, column) => cellText(row[column] ?? ''))),
  ]
  const widths = header.map((_, column) => Math.max(...cells.map((row) => width(row[column] ?? ''))))
  return cells.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)))
      .join('  ')
      .trimEnd(),
  )
}

/** Names come from the cluster: control characters must not reach a terminal. */
function cellText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')
  return clean === '' ? '-' : clean
}

const width = (text: string): number => Array.from(text).length
