// Hostile configuration: 100,000 mutations of valid and broken files through everything that reads them. Whatever comes,
// the answer is a configuration or errors that a user can act on, and it comes at once.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseConfigChanges } from '../../src/config/changes.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { parseServiceRegistration } from '../../src/config/registration.ts'
import type { ConfigError, Machine, SourceFile } from '../../src/config/settings.ts'
import { limits } from '../../src/model/limits.ts'

const inputs = 100_000
/** A bound against hangs, far above the tenth of a millisecond that an input takes. */
const slowestMs = 100

const machine: Machine = { hostname: 'fuzz', privateAddress: '10.0.0.7', interfaceAddresses: {} }

interface Seed {
  readonly extension: '.hcl' | '.json'
  readonly text: string
}

function seedsOf(folder: string): readonly Seed[] {
  const path = join(import.meta.dirname, '../unit/config', folder)
  return readdirSync(path)
    .sort()
    .map((name) => {
      const extension = /\.json(\.txt)?$/.test(name) ? '.json' : '.hcl'
      return { extension, text: readFileSync(join(path, name), 'utf8') }
    })
}

const whole = ['valid', 'changes', 'bodies'].flatMap(seedsOf)
const broken = seedsOf('broken')

/** Small and seeded, so that a failure can be repeated from the seed that it prints (Marsaglia's xorshift32). */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

type Pick = (below: number) => number

const tokens = [
  '{',
  '}',
  '[',
  ']',
  ',',
  '=',
  ':',
  '"',
  "'",
  '\\',
  '\n',
  '\r\n',
  '\t',
  '\0',
  '#',
  '//',
  '/*',
  '*/',
  '<<EOF\n',
  '<<-X\n',
  'EOF\n',
  '${',
  '$${',
  '%{',
  '{{',
  '}}',
  '__proto__',
  'constructor',
  'true',
  'null',
  '0',
  '-1',
  '1e999',
  '0x',
  '9007199254740993',
  '\u{1F680}',
  '\uD800',
  '\uFEFF',
  '“',
  'service',
  'check',
  'connect',
  'sidecar_service',
  'proxy',
  'upstreams',
  'kind',
  'intention',
  'name',
  'port',
  '"web"',
  '8080',
  '"10s"',
  'sources',
  'server = true\n',
  '\\u',
  '\\xZZ',
  '.',
  '-',
  ';',
  '(',
  ')',
] // prettier-ignore

const mutations: readonly ((text: string, pick: Pick) => string)[] = [
  // Bytes: one changed, a range removed, a range doubled.
  (text, pick) => splice(text, pick(text.length + 1), 1, String.fromCharCode(pick(256))),
  (text, pick) => splice(text, pick(text.length + 1), 1 + pick(30), ''),
  (text, pick) => {
    const from = pick(text.length + 1)
    const part = text.slice(from, from + 1 + pick(80))
    return splice(text, pick(text.length + 1), 0, part)
  },
  // Tokens: one put in, one put over another, lines swapped, an end cut off.
  (text, pick) => splice(text, pick(text.length + 1), 0, tokens[pick(tokens.length)] ?? ''),
  (text, pick) => {
    const words = text.split(/(\s+)/)
    words[pick(words.length)] = tokens[pick(tokens.length)] ?? ''
    return words.join('')
  },
  (text, pick) => {
    const lines = text.split('\n')
    const from = pick(lines.length)
    const to = pick(lines.length)
    const line = lines[from] ?? ''
    lines[from] = lines[to] ?? ''
    lines[to] = line
    return lines.join('\n')
  },
  (text, pick) => text.slice(0, pick(text.length + 1)),
  // Values: a digit, a letter or a word's end changed, so that the structure stays whole.
  (text, pick) => replaceOne(text, /[0-9]/g, pick, () => String(pick(10))),
  (text, pick) => replaceOne(text, /[a-z]/g, pick, () => String.fromCharCode(97 + pick(26))),
  (text, pick) => replaceOne(text, /"[^"\n]*"/g, pick, () => values[pick(values.length)] ?? ''),
  // One file put into another.
  (text, pick) => splice(text, pick(text.length + 1), 0, whole[pick(whole.length)]?.text ?? ''),
]

const values = [
  '""',
  '"*"',
  '"0s"',
  '"a b"',
  '"0.0.0.0"',
  '"{{ x }}"',
  '80',
  'true',
  '[]',
  '{}',
  'null',
  '"-5m"',
  '"1e9h"',
]

function replaceOne(text: string, pattern: RegExp, pick: Pick, value: () => string): string {
  const found = Array.from(text.matchAll(pattern))
  const match = found[pick(Math.max(found.length, 1))]
  return match === undefined ? text : splice(text, match.index, match[0].length, value())
}

function splice(text: string, at: number, removed: number, added: string): string {
  return text.slice(0, at) + added + text.slice(at + removed)
}

function mutate(pick: Pick): SourceFile {
  const seeds = pick(4) === 0 ? broken : whole
  const seed = seeds[pick(seeds.length)] ?? { extension: '.hcl', text: '' }
  let text = seed.text
  for (let rounds = 1 + pick(3); rounds > 0; rounds--)
    text = mutations[pick(mutations.length)]?.(text, pick) ?? text
  return { path: `fuzz${seed.extension}`, text }
}

/** The number of a broken promise, or undefined. */
function complaintAbout(errors: readonly ConfigError[], text: string): string | undefined {
  if (errors.length === 0) return 'neither a value nor an error'
  if (errors.length > 2 * limits.configErrorsShown) return `${errors.length} errors`
  const lines = text.split('\n')
  for (const { path, line, column, what, why, remedy } of errors) {
    if (what === '' || why === '' || remedy === '' || path === '') return 'an error without words'
    const length = Array.from(lines[line - 1] ?? '').length
    if (line < 1 || line > lines.length || column < 1 || column > length + 1)
      return `an error at ${line}:${column}, where nothing is`
    if (`${what}${why}${remedy}`.length > 2_000) return 'an error longer than a screen'
  }
  return undefined
}

/** Reads an input by every way that files go; counts what became of it. */
function read(
  file: SourceFile,
  seen: { loaded: number; applied: number; registered: number },
): string | undefined {
  const loaded = loadConfiguration([file], machine)
  const changes = parseConfigChanges(file)
  if (loaded.ok) seen.loaded++
  if (changes.ok) seen.applied++
  if (file.path.endsWith('.json') && parseServiceRegistration(file.text).ok) seen.registered++
  for (const result of [loaded, changes]) {
    const complaint = result.ok ? undefined : complaintAbout(result.errors, file.text)
    if (complaint !== undefined) return complaint
  }
  return undefined
}

/** The time of the fastest of a few tries: a try that the scheduler interrupted says nothing about the reader. */
function isSlow(file: SourceFile): boolean {
  return [1, 2, 3].every(() => {
    const began = performance.now()
    read(file, { loaded: 0, applied: 0, registered: 0 })
    return performance.now() - began > slowestMs
  })
}

test(`${inputs} mutated files: no crash, no hang, every error points into the file`, () => {
  const pick = generator(20_261_121)
  const bad: string[] = []
  const seen = { loaded: 0, applied: 0, registered: 0 }
  for (let number = 0; number < inputs && bad.length < 5; number++) {
    const file = mutate(pick)
    const began = performance.now()
    try {
      const complaint = read(file, seen)
      if (complaint !== undefined) bad.push(`input ${number}: ${complaint}\n${file.text}`)
    } catch (error) {
      bad.push(`input ${number}: ${String(error)}\n${file.text}`)
    }
    if (performance.now() - began > slowestMs && isSlow(file)) bad.push(`input ${number}: slow\n${file.text}`)
  }
  expect(bad).toEqual([])
  // Mutations that break every file at its first token would test nothing behind it.
  expect(seen.loaded).toBeGreaterThan(inputs / 50)
  expect(seen.loaded).toBeLessThan(inputs / 2)
  expect(seen.applied).toBeGreaterThan(inputs / 100)
  expect(seen.registered).toBeGreaterThan(inputs / 1_000)
  expect(Object.keys(Object.prototype)).toEqual([])
})

test.each([
  ['many opening braces', 'a = {\n'.repeat(200_000)],
  ['many opening brackets', '['.repeat(400_000)],
  ['many blocks without end', 'service {\n'.repeat(100_000)],
  ['a string without end', `a = "${'x'.repeat(1_000_000)}`],
  ['backslashes', `a = "${'\\\\'.repeat(500_000)}"`],
  ['a heredoc without end', `a = <<EOF\n${'x\n'.repeat(500_000)}`],
  ['heredocs that begin in heredocs', '<<A\n'.repeat(300_000)],
  ['a comment without end', `/*${'*'.repeat(1_000_000)}`],
  ['unknown keys', Array.from({ length: 100_000 }, (_, i) => `portt${i} = 1`).join('\n')],
  ['one key again and again', 'port = 1\n'.repeat(100_000)],
  ['long digits', `port = ${'9'.repeat(1_000_000)}`],
  ['dollars', `a = "${'$'.repeat(1_000_000)}"`],
  ['one line of many values', `servers = [${'"10.0.0.1", '.repeat(200_000)}]`],
  ['a long name', `service { name = "${'a-'.repeat(500_000)}" }`],
  ['a long host', `service { name = "a" address = "${'a.'.repeat(500_000)}" }`],
  ['a long url', `service { name = "a" check { interval = "1s" http = "http://${'a'.repeat(1_000_000)}" } }`],
  ['a long duration', `check { name = "a" ttl = "${'1h'.repeat(500_000)}" }`],
  ['upstreams that collide', manyUpstreams(20_000)],
])(
  'a large hostile file is refused in bounded time: %s',
  (_, text) => {
    expect(loadConfiguration([{ path: 'large.hcl', text }], machine).ok).toBe(false)
  },
  // Each takes well under a second; a reader whose cost grows with the square of the input would take hours.
  30_000,
)

function manyUpstreams(count: number): string {
  const upstream = 'upstreams { destination_name = "db" local_bind_port = 5432 }\n'
  return `service { name = "web" connect { sidecar_service { proxy {\n${upstream.repeat(count)}} } } }`
}
