/**
 * Who may call one local service, compiled for a lookup that makes no object. It agrees with `decide` of
 * model/intention.ts, which says what is right; this file is only the fast form (a test compares them).
 */
import { type IntentionRule, wildcard } from '../../model/intention.ts'
import type { PolicyResource } from '../../model/proxy-config.ts'
import type { RefusalCode } from '../../model/refusal.ts'

/** '' lets the caller in; a code says why not. */
export type Verdict = '' | Extract<RefusalCode, 'denied-by-intention' | 'denied-by-default'>

export interface PolicyTable {
  /** Log index of the intentions that it was made from. */
  readonly index: number
  /** `source` is the service name that the caller's certificate proved. */
  verdictOn(source: string): Verdict
}

/** Cost: one pass over the rules. A lookup is at most two reads of a map. */
export function compilePolicy(policy: PolicyResource): PolicyTable {
  // Consul's order: exact to exact, any to exact, exact to any, any to any. The highest that matches decides alone.
  const exactToExact = new Map<string, Verdict>()
  const exactToAny = new Map<string, Verdict>()
  let anyToExact: Verdict | undefined
  let anyToAny: Verdict | undefined
  for (const rule of policy.rules) {
    const verdict = verdictOf(rule)
    if (rule.destinationName === policy.name) {
      if (rule.sourceName === wildcard) anyToExact ??= verdict
      else setOnce(exactToExact, rule.sourceName, verdict)
    } else if (rule.destinationName === wildcard) {
      if (rule.sourceName === wildcard) anyToAny ??= verdict
      else setOnce(exactToAny, rule.sourceName, verdict)
    }
  }
  const last: Verdict = anyToAny ?? (policy.defaultAction === 'allow' ? '' : 'denied-by-default')
  return {
    index: policy.index,
    verdictOn: (source) => exactToExact.get(source) ?? anyToExact ?? exactToAny.get(source) ?? last,
  }
}

const verdictOf = (rule: IntentionRule): Verdict => (rule.action === 'allow' ? '' : 'denied-by-intention')

/** Of two rules for the same pair the first counts, as in `decide`. */
function setOnce(verdicts: Map<string, Verdict>, source: string, verdict: Verdict): void {
  if (!verdicts.has(source)) verdicts.set(source, verdict)
}
