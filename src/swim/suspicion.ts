/**
 * One suspicion: how long the accused has to refute, shortened as further members confirm (Lifeguard's dynamic
 * suspicion, with memberlist's formulas). Who keeps the time stands in deadlines.ts, what follows in suspect-claim.ts.
 */

export interface SuspicionTerms {
  readonly minMs: number
  readonly maxMs: number
  /** Confirmations that bring the time down to the minimum; 0: the minimum holds at once. */
  readonly wanted: number
}

/** `multiplier * max(1, log10 members) * interval`, in whole milliseconds of the interval's thousandth. */
export function shortestSuspicionMs(multiplier: number, members: number, probeIntervalMs: number): number {
  const scale = Math.max(1, Math.log10(Math.max(1, members)))
  return (multiplier * Math.floor(scale * 1_000) * probeIntervalMs) / 1_000
}

export function suspicionTerms(
  parameters: {
    readonly suspicionMultiplier: number
    readonly suspicionMaxMultiplier: number
    readonly probeIntervalMs: number
  },
  members: number,
): SuspicionTerms {
  const { suspicionMultiplier, suspicionMaxMultiplier, probeIntervalMs } = parameters
  const minMs = shortestSuspicionMs(suspicionMultiplier, members, probeIntervalMs)
  // The accused and the accuser cannot confirm: in a small pool nobody could.
  const wanted = members - 2 < suspicionMultiplier - 2 ? 0 : Math.max(0, suspicionMultiplier - 2)
  return { minMs, maxMs: minMs * suspicionMaxMultiplier, wanted }
}

/** The whole time that the accused has after `confirmations` others agreed. */
export function suspicionTimeoutMs(terms: SuspicionTerms, confirmations: number): number {
  const { minMs, maxMs, wanted } = terms
  if (wanted < 1) return minMs
  const share = Math.log(confirmations + 1) / Math.log(wanted + 1)
  return Math.max(minMs, Math.floor(maxMs - share * (maxMs - minMs)))
}

export class Suspicion {
  /** The accused. */
  readonly node: string
  readonly terms: SuspicionTerms
  readonly startedAtMs: number
  dueMs: number
  /** Position in the heap of deadlines. */
  heapAt = -1
  /** The first accuser and those who confirmed; each counts once. */
  readonly accusers: string[]

  constructor(node: string, terms: SuspicionTerms, accuser: string, nowMs: number) {
    this.node = node
    this.terms = terms
    this.startedAtMs = nowMs
    this.accusers = [accuser]
    this.dueMs = nowMs + suspicionTimeoutMs(terms, 0)
  }

  /** False if it is nothing new: the same accuser again, or nobody is waited for any more. */
  confirm(accuser: string, nowMs: number): boolean {
    if (this.accusers.length > this.terms.wanted || this.accusers.includes(accuser)) return false
    this.accusers.push(accuser)
    const dueMs = this.startedAtMs + suspicionTimeoutMs(this.terms, this.accusers.length - 1)
    // A deadline in the past would look as if this process had stood still.
    this.dueMs = Math.max(nowMs, dueMs)
    return true
  }
}
