// The compiled policy says what `decide` says, for any rules.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decide, type IntentionRule } from '../../../src/model/intention.ts'
import { compilePolicy } from '../../../src/proxy/policy/table.ts'

const name = fc.constantFrom('web', 'backend', 'db', '*')
const rule: fc.Arbitrary<IntentionRule> = fc.record({
  sourceName: name,
  destinationName: name,
  action: fc.constantFrom('allow', 'deny'),
})

test('a compiled policy agrees with decide', () => {
  fc.assert(
    fc.property(
      fc.array(rule, { maxLength: 12 }),
      fc.constantFrom('allow', 'deny'),
      fc.constantFrom('web', 'db', 'stranger', 'backend'),
      (rules, defaultAction, source) => {
        const table = compilePolicy({ kind: 'policy', name: 'backend', index: 3, defaultAction, rules })
        const decision = decide(rules, source, 'backend', defaultAction)
        expect(table.verdictOn(source)).toBe(decision.allowed ? '' : decision.reason)
      },
    ),
    { numRuns: 5_000 },
  )
})
