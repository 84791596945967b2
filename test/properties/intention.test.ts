// The decision function against a deliberately dumb twin that follows the table of precedence word by word.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { byPrecedence, decide, type IntentionRule } from '../../src/model/intention.ts'

const name = fc.constantFrom('web', 'api', 'db', '*')
const rule = fc.record({
  sourceName: name,
  destinationName: name,
  action: fc.constantFrom('allow' as const, 'deny' as const),
})
const rules = fc.uniqueArray(rule, { selector: (r) => `${r.sourceName}>${r.destinationName}` })
const exact = fc.constantFrom('web', 'api', 'db')

function dumb(all: readonly IntentionRule[], source: string, destination: string): string {
  const find = (s: string, d: string): IntentionRule | undefined =>
    all.find((r) => r.sourceName === s && r.destinationName === d)
  const rule = find(source, destination) ?? find('*', destination) ?? find(source, '*') ?? find('*', '*')
  return rule?.action ?? 'default'
}

test('decide picks what the table of precedence says, in any order of rules', () => {
  fc.assert(
    fc.property(rules, exact, exact, fc.boolean(), (all, source, destination, allowByDefault) => {
      const defaultAction = allowByDefault ? 'allow' : 'deny'
      const decision = decide(all, source, destination, defaultAction)
      const expected = dumb(all, source, destination)
      expect(decision.allowed).toBe((expected === 'default' ? defaultAction : expected) === 'allow')
      expect(decision.rule === undefined).toBe(expected === 'default')
      expect(decide([...all].reverse(), source, destination, defaultAction)).toEqual(decision)
    }),
    { numRuns: 2_000 },
  )
})

test('the first rule of a list in precedence order that matches is the one that decides', () => {
  fc.assert(
    fc.property(rules, exact, exact, (all, source, destination) => {
      const sorted = [...all].sort(byPrecedence)
      const first = sorted.find(
        (r) =>
          (r.sourceName === '*' || r.sourceName === source) &&
          (r.destinationName === '*' || r.destinationName === destination),
      )
      expect(decide(all, source, destination, 'deny').rule).toEqual(first)
    }),
    { numRuns: 2_000 },
  )
})
