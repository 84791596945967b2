// Each file in broken/ has exactly one mistake. What is said about it is the product: read the golden files as a user would.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { formatConfigError } from '../../../src/config/format.ts'
import { loadConfiguration } from '../../../src/config/load.ts'
import type { ConfigError } from '../../../src/config/settings.ts'
import { machine } from './machine.ts'

const folder = join(import.meta.dirname, 'broken')
/** JSON that is broken carries one more extension, because formatters and editors would trip over it. */
const nameOf = (entry: string): string => entry.replace(/\.txt$/, '')
const entries = readdirSync(folder).sort()
const names = entries.map(nameOf)
const textOf = (name: string): string =>
  readFileSync(join(folder, entries[names.indexOf(name)] ?? name), 'utf8')

function errorsOf(name: string): readonly ConfigError[] {
  const loaded = loadConfiguration([{ path: name, text: textOf(name) }], machine)
  return loaded.ok ? [] : loaded.errors
}

test('there are at least forty broken files', () => {
  expect(names.filter((name) => name.endsWith('.hcl')).length).toBeGreaterThanOrEqual(40)
})

test.each(names)('%s gives one error that says where, what, why and what to do', async (name) => {
  const errors = errorsOf(name)
  expect(errors).toHaveLength(1)
  const [error] = errors
  if (error === undefined) return
  const line = textOf(name).split('\n')[error.line - 1] ?? ''
  expect(error.path).toBe(name)
  expect(error.column).toBeGreaterThanOrEqual(1)
  expect(error.column).toBeLessThanOrEqual(line.length + 1)
  for (const part of [error.what, error.why, error.remedy]) expect(part).toMatch(/^\S.{5,}/)
  const pointer = `${line}\n${' '.repeat(error.column - 1)}^`
  await expect(`${formatConfigError(error)}\n\n${pointer}\n`).toMatchFileSnapshot(`golden/${name}.txt`)
})
