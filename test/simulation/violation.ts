/**
 * A rule that a run broke. Thrown where it is seen, so that the trace ends there; `rule` names the checker, so that a
 * shrunk case can be told to break the same rule.
 */
export class Violation extends Error {
  readonly rule: string

  constructor(rule: string, what: string) {
    super(`${rule}: ${what}`)
    this.name = 'Violation'
    this.rule = rule
  }
}

export function hold(condition: boolean, rule: string, what: () => string): asserts condition {
  if (!condition) throw new Violation(rule, what())
}
