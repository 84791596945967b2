/**
 * Intentions: who may call whom, and the one function that decides.
 * `mesh intention check`, the HTTP API and every proxy ask the same compiled table, so that they cannot disagree.
 */
export type IntentionAction = 'allow' | 'deny'

export const wildcard = '*'

export interface Intention {
  readonly id: string
  readonly sourceName: string
  readonly destinationName: string
  readonly action: IntentionAction
  readonly description: string
  readonly meta: Readonly<Record<string, string>>
  /** From `precedenceOf`, kept with the row because clients read it. */
  readonly precedence: number
  /** Milliseconds since the epoch, from the log entry that made or changed the row. */
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** The part of an intention that a decision needs. */
export type IntentionRule = Pick<Intention, 'sourceName' | 'destinationName' | 'action'>

/**
 * Consul's precedence: 9 exact to exact, 8 any to exact, 6 exact to any, 5 any to any.
 * The highest one that matches decides alone; lower ones are not consulted.
 */
export function precedenceOf(sourceName: string, destinationName: string): number {
  if (destinationName !== wildcard) return sourceName === wildcard ? 8 : 9
  return sourceName === wildcard ? 5 : 6
}

/** Higher precedence first, then by destination and source name: the order in which lists are shown. */
export function byPrecedence(a: IntentionRule, b: IntentionRule): number {
  return (
    precedenceOf(b.sourceName, b.destinationName) - precedenceOf(a.sourceName, a.destinationName) ||
    compare(a.destinationName, b.destinationName) ||
    compare(a.sourceName, b.sourceName)
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export interface Decision {
  readonly allowed: boolean
  readonly reason: 'allowed-by-intention' | 'denied-by-intention' | 'allowed-by-default' | 'denied-by-default'
  /** The rule that decided; absent where none matched. */
  readonly rule?: IntentionRule
}

/** Who may call one destination: a lookup is at most two reads of a map and makes no object. */
export interface DecisionTable {
  /** `source` is compared exactly, as certificates carry it. */
  decide(source: string): Decision
}

const defaults: Readonly<Record<IntentionAction, Decision>> = {
  allow: { allowed: true, reason: 'allowed-by-default' },
  deny: { allowed: false, reason: 'denied-by-default' },
}

/**
 * The one place where it is decided who may call: proxies keep the table, everybody else asks it once (`decide`).
 * `rules` may come in any order, of several for one pair the first counts, and those of other destinations are passed over.
 */
export function compileDecisions(
  rules: Iterable<IntentionRule>,
  destination: string,
  defaultAction: IntentionAction,
): DecisionTable {
  // In the order of precedence: exact to exact, any to exact, exact to any, any to any.
  const exactToExact = new Map<string, Decision>()
  const exactToAny = new Map<string, Decision>()
  let anyToExact: Decision | undefined
  let anyToAny: Decision | undefined
  for (const rule of rules) {
    if (rule.destinationName === destination) {
      if (rule.sourceName === wildcard) anyToExact ??= decisionOf(rule)
      else setOnce(exactToExact, rule)
    } else if (rule.destinationName === wildcard) {
      if (rule.sourceName === wildcard) anyToAny ??= decisionOf(rule)
      else setOnce(exactToAny, rule)
    }
  }
  const last = anyToAny ?? defaults[defaultAction]
  return {
    decide: (source) => exactToExact.get(source) ?? anyToExact ?? exactToAny.get(source) ?? last,
  }
}

function setOnce(decisions: Map<string, Decision>, rule: IntentionRule): void {
  if (!decisions.has(rule.sourceName)) decisions.set(rule.sourceName, decisionOf(rule))
}

const decisionOf = (rule: IntentionRule): Decision =>
  rule.action === 'allow'
    ? { allowed: true, reason: 'allowed-by-intention', rule }
    : { allowed: false, reason: 'denied-by-intention', rule }

/** One question; who asks more often about a destination keeps `compileDecisions`. */
export function decide(
  rules: Iterable<IntentionRule>,
  source: string,
  destination: string,
  defaultAction: IntentionAction,
): Decision {
  return compileDecisions(rules, destination, defaultAction).decide(source)
}
