// Who may call: the proxy's table and the answer of the API are one function, which follows Consul's precedence.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  byPrecedence,
  type Decision,
  decide,
  type IntentionAction,
  type IntentionRule,
  wildcard,
} from '../../../src/model/intention.ts'
import { compilePolicy } from '../../../src/proxy/policy/table.ts'

const name = fc.constantFrom('web', 'backend', 'db', '*')
const rule: fc.Arbitrary<IntentionRule> = fc.record({
  sourceName: name,
  destinationName: name,
  action: fc.constantFrom('allow', 'deny'),
})

/** As the documentation says it: of the rules that match, the one of highest precedence alone. */
function byTheBook(
  rules: readonly IntentionRule[],
  source: string,
  destination: string,
  defaultAction: IntentionAction,
): Decision {
  const covers = (word: string, actual: string): boolean => word === wildcard || word === actual
  const [first] = rules
    .filter((each) => covers(each.sourceName, source) && covers(each.destinationName, destination))
    .toSorted(byPrecedence)
  const action = first?.action ?? defaultAction
  const by = first === undefined ? 'by-default' : 'by-intention'
  const allowed = action === 'allow'
  const reason = `${allowed ? 'allowed' : 'denied'}-${by}` as const
  return first === undefined ? { allowed, reason } : { allowed, reason, rule: first }
}

test('the decision is that of the documentation for any rules, and the proxy’s verdict is the decision', () => {
  fc.assert(
    fc.property(
      fc.array(rule, { maxLength: 12 }),
      fc.constantFrom('allow', 'deny'),
      fc.constantFrom('web', 'db', 'stranger', 'backend'),
      (rules, defaultAction, source) => {
        const expected = byTheBook(rules, source, 'backend', defaultAction)
        expect(decide(rules, source, 'backend', defaultAction)).toEqual(expected)
        const table = compilePolicy({ kind: 'policy', name: 'backend', index: 3, defaultAction, rules })
        expect(table.verdictOn(source)).toBe(expected.allowed ? '' : expected.reason)
      },
    ),
    { numRuns: 5_000 },
  )
})
