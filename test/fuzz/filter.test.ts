// Hostile filters: mutated expressions and patterns through everything that reads them. Whatever comes, the answer is a
// filter that can be applied or a sentence with a place in it, and it comes at once.
import { expect, test } from 'vitest'
import { compileFilter } from '../../src/model/filter/compile.ts'
import { fields, web } from '../unit/filter/rows.ts'

const inputs = 50_000
/** A bound against hangs, far above the hundredth of a millisecond that an input takes. */
const slowestMs = 200

const seeds = [
  'Name == web and (Port != 80 or "v1" in Tags) and not Meta["a.b"] is empty',
  'Checks.Status == critical or Node.Meta.rack matches "^r[0-9]+(-[a-z]{1,8})?$"',
  '"/Meta/a.b" == `x` and Addresses.lan.Port == 1',
  'Name matches `(?i)(a|b)*\\d+\\p{Lu}[[:alpha:]-]{2,40}(?P<n>x+?)$`',
  'not (not (Tags is not empty) or Name not matches "\\\\bfoo\\\\b")',
  'Name matches "((((a{9}){9}){9}){9})"',
]
const pieces = [
  '(',
  ')',
  '[',
  ']',
  '"',
  '`',
  '\\',
  '{',
  '}',
  '*',
  '+',
  '?',
  '|',
  '.',
  '^',
  '$',
  ' not ',
  ' and ',
  ' in ',
]
const more = [
  '\u0000',
  '\u{1F600}',
  '\ud800',
  '(?',
  '(?i)',
  '\\p{',
  '\\x{',
  '{1000}',
  '[^',
  '[:',
  '==',
  '~1',
  '/',
  '9',
  'a',
]

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

function mutate(text: string, random: (below: number) => number): string {
  let result = text
  for (let i = random(4); i >= 0; i--) {
    const at = random(result.length + 1)
    const piece = [...pieces, ...more][random(pieces.length + more.length)] ?? ''
    const kind = random(4)
    if (kind === 0) result = result.slice(0, at) + piece + result.slice(at)
    else if (kind === 1) result = result.slice(0, at) + result.slice(at + 1 + random(5))
    else if (kind === 2) result = result.slice(0, at) + piece.repeat(1 + random(40)) + result.slice(at)
    else result = result.slice(0, at) + result.slice(random(result.length + 1))
  }
  return result
}

test(`${inputs} mutated filters: an answer each, at once`, () => {
  let accepted = 0
  for (let seed = 1; seed <= inputs; seed++) {
    const random = generator(seed * 2_654_435_761)
    const text = mutate(seeds[random(seeds.length)] ?? '', random)
    const began = process.threadCpuUsage()
    const filter = compileFilter(text, fields)
    if (filter.ok) {
      accepted++
      expect(typeof filter.value(web)).toBe('boolean')
      expect(typeof filter.value({})).toBe('boolean')
    } else {
      expect(filter.failure.code, text).toBe('invalid-filter')
      expect(filter.failure.message, text).toMatch(/^Failed to create .*: at character \d+: \S/s)
    }
    const tookMs = process.threadCpuUsage(began).user / 1_000
    if (tookMs > slowestMs) throw new Error(`seed ${seed} took ${tookMs} ms: ${text}`)
  }
  expect(accepted).toBeGreaterThan(inputs / 100)
})
