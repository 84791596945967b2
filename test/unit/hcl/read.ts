// Short ways for tests to read a text and look at what came of it.
import { formatConfigError } from '../../../src/config/format.ts'
import { parseText } from '../../../src/wire/hcl/parse.ts'
import { type ObjectValue, plainValue } from '../../../src/wire/hcl/tree.ts'

/** The plain value of a text, or its errors as lines. */
export function plain(text: string, path = 'a.hcl'): unknown {
  const parsed = parseText(path, text)
  return parsed.ok ? plainValue(parsed.value) : parsed.problems.map(formatConfigError)
}

export function tree(text: string, path = 'a.hcl'): ObjectValue {
  const parsed = parseText(path, text)
  if (!parsed.ok) throw new Error(parsed.problems.map(formatConfigError).join('\n'))
  return parsed.value
}

/** The lines of errors, with their place and what is wrong. */
export function errors(text: string, path = 'a.hcl'): readonly string[] {
  const parsed = parseText(path, text)
  return parsed.ok ? [] : parsed.problems.map(({ line, column, what }) => `${line}:${column} ${what}`)
}
