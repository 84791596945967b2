/**
 * Intentions: who may call whom, and the one function that decides.
 * `mesh intention check`, the HTTP API and every proxy use `decide`, so that they cannot disagree.
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

export function matches(rule: IntentionRule, source: string, destination: string): boolean {
  return (
    (rule.sourceName === wildcard || rule.sourceName === source) &&
    (rule.destinationName === wildcard || rule.destinationName === destination)
  )
}

/** `rules` may come in any order; names are compared exactly, as certificates carry them. */
export function decide(
  rules: Iterable<IntentionRule>,
  source: string,
  destination: string,
  defaultAction: IntentionAction,
): Decision {
  let best: IntentionRule | undefined
  for (const rule of rules)
    if (matches(rule, source, destination) && (best === undefined || byPrecedence(rule, best) < 0))
      best = rule
  if (best === undefined)
    return defaultAction === 'allow'
      ? { allowed: true, reason: 'allowed-by-default' }
      : { allowed: false, reason: 'denied-by-default' }
  return best.action === 'allow'
    ? { allowed: true, reason: 'allowed-by-intention', rule: best }
    : { allowed: false, reason: 'denied-by-intention', rule: best }
}
