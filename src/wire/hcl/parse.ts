/**
 * From a configuration text to its tree of values, in time linear in its length. The name decides the format as Consul
 * decides it: `.json` is JSON; any other text is HCL, unless it begins with a brace.
 */
import { limits } from '../../model/limits.ts'
import { readHclFile } from './hcl-grammar.ts'
import { readJsonFile } from './json-grammar.ts'
import { TokenStream } from './stream.ts'
import type { ObjectValue, Parsed } from './tree.ts'
import type { Dialect } from './unexpected.ts'

export function dialectOf(path: string, text: string): Dialect {
  return path.endsWith('.json') || /^\uFEFF?\s*\{/.test(text) ? 'json' : 'hcl'
}

/** Reads a whole text. Fails with at least one problem, each with its place. */
export function parseText(path: string, text: string, dialect: Dialect = dialectOf(path, text)): Parsed {
  if (text.length > limits.configFileBytes)
    return {
      ok: false,
      problems: [
        {
          path,
          line: 1,
          column: 1,
          what: `the file is longer than ${limits.configFileBytes} bytes`,
          why: 'larger files are refused, so that reading one takes bounded time and memory',
          remedy: 'split it into several files',
        },
      ],
    }
  const stream = new TokenStream(path, text, dialect)
  const value: ObjectValue | undefined = dialect === 'json' ? readJsonFile(stream) : readHclFile(stream)
  const problems = stream.problems()
  if (problems.length > 0 || value === undefined) return { ok: false, problems }
  return { ok: true, value }
}
