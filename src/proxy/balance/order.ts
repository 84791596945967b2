/**
 * In which order equally good instances are chosen: by turns, by how busy they are, or at random. One object per tier of a
 * balancer; a choice makes no object.
 */
import type { BalancePolicy } from '../../model/balance.ts'
import { limits } from '../../model/limits.ts'
import type { Endpoint } from '../../model/proxy-config.ts'
import { createSchedule } from './schedule.ts'
import type { InstanceStanding } from './standing.ts'

export interface Candidate {
  readonly endpoint: Endpoint
  readonly standing: InstanceStanding
}

export interface Order {
  /** One that is not in `tried`; undefined where there is none. */
  pick(tried: readonly string[]): Candidate | undefined
}

/** `candidates` is not empty and their weights are positive; `fraction` is uniform in [0, 1). */
export function createOrder(
  policy: BalancePolicy,
  candidates: readonly Candidate[],
  fraction: () => number,
): Order {
  switch (policy) {
    case 'round-robin':
      return byTurns(candidates, fraction)
    case 'least-connections':
      return byLoad(candidates, fraction)
    case 'random':
      return atRandom(candidates, fraction)
  }
}

function byTurns(candidates: readonly Candidate[], fraction: () => number): Order {
  const weights = candidates.map(({ endpoint }) => endpoint.weight)
  // Restarted proxies must not all begin with the first one.
  const schedule = createSchedule(weights, Math.floor(fraction() * candidates.length))
  return {
    pick(tried) {
      // At most `tried.length` turns can fall on tried instances that weigh the same; heavier ones are passed over below.
      for (let turn = 0; turn <= tried.length; turn += 1) {
        const candidate = candidates[schedule.next()]
        if (candidate !== undefined && isFresh(candidate, tried)) return candidate
      }
      return firstFresh(candidates, tried, 0)
    },
  }
}

/**
 * The least connections for its weight: of all where they are few, of two drawn at random where they are many, which is
 * nearly as even and costs the same for any number (Mitzenmacher, "The Power of Two Choices", 2001).
 */
function byLoad(candidates: readonly Candidate[], fraction: () => number): Order {
  const draw = (): number => Math.floor(fraction() * candidates.length)
  return {
    pick(tried) {
      if (candidates.length <= limits.balanceScan) return leastOf(candidates, tried, draw())
      const one = candidates[draw()]
      const other = candidates[draw()]
      const better = lighter(fresh(one, tried), fresh(other, tried))
      return better ?? firstFresh(candidates, tried, draw())
    },
  }
}

function leastOf(
  candidates: readonly Candidate[],
  tried: readonly string[],
  start: number,
): Candidate | undefined {
  let best: Candidate | undefined
  for (let i = 0; i < candidates.length; i += 1)
    best = lighter(best, fresh(candidates[(start + i) % candidates.length], tried))
  return best
}

/** The first one where both bear the same. */
function lighter(a: Candidate | undefined, b: Candidate | undefined): Candidate | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return loadWithOneMore(b) < loadWithOneMore(a) ? b : a
}

const loadWithOneMore = ({ endpoint, standing }: Candidate): number => (standing.active + 1) / endpoint.weight

function atRandom(candidates: readonly Candidate[], fraction: () => number): Order {
  const upTo = new Float64Array(candidates.length)
  let sum = 0
  candidates.forEach(({ endpoint }, i) => {
    sum += endpoint.weight
    upTo[i] = sum
  })
  const draw = (): number => placeOf(upTo, fraction() * sum)
  return {
    pick(tried) {
      for (let turn = 0; turn <= tried.length; turn += 1) {
        const candidate = candidates[draw()]
        if (candidate !== undefined && isFresh(candidate, tried)) return candidate
      }
      return firstFresh(candidates, tried, Math.floor(fraction() * candidates.length))
    },
  }
}

/** The first place whose sum is above `at`. */
function placeOf(upTo: Float64Array, at: number): number {
  let low = 0
  let high = upTo.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((upTo[middle] ?? 0) > at) high = middle
    else low = middle + 1
  }
  return low
}

function firstFresh(
  candidates: readonly Candidate[],
  tried: readonly string[],
  start: number,
): Candidate | undefined {
  for (let i = 0; i < candidates.length; i += 1) {
    const candidate = candidates[(start + i) % candidates.length]
    if (candidate !== undefined && isFresh(candidate, tried)) return candidate
  }
  return undefined
}

const isFresh = (candidate: Candidate, tried: readonly string[]): boolean =>
  !tried.includes(candidate.endpoint.id)

const fresh = (candidate: Candidate | undefined, tried: readonly string[]): Candidate | undefined =>
  candidate !== undefined && isFresh(candidate, tried) ? candidate : undefined
