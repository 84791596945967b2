/**
 * One service's leaf and when to ask for the next one. Pure bookkeeping around a time: what is asked, stored and told
 * is leaves.ts.
 */
import type { Failure } from '../../model/errors.ts'
import type { Random, Timer } from '../../platform/ports.ts'
import type { Reply } from '../../rpc/contract.ts'
import { firstRenewalDelayMs, nextAttemptDelayMs } from '../../wire/x509/lifetime.ts'
import type { Leaf } from '../contract.ts'

export interface LeafState {
  readonly service: string
  leaf: Leaf | undefined
  /** Key id of the authority that signed the leaf, hex with colons. */
  signedBy: string
  /** A proxy needs it; otherwise somebody asked through the API. */
  wanted: boolean
  requestedAtMs: number
  /** In the queue or under way: one at a time per service. */
  asking: boolean
  failures: number
  /** Why the last attempt failed, until one succeeds. */
  failure: Failure | undefined
  /** Code of the failure that the log has told, until an attempt succeeds. */
  toldCode: string
  /** Wall clock of the next attempt. */
  nextAtMs: number
  timer: Timer | undefined
  readonly replies: Reply<Leaf>[]
}

export function newLeafState(service: string): LeafState {
  return {
    service,
    leaf: undefined,
    signedBy: '',
    wanted: false,
    requestedAtMs: Number.NEGATIVE_INFINITY,
    asking: false,
    failures: 0,
    failure: undefined,
    toldCode: '',
    nextAtMs: 0,
    timer: undefined,
    replies: [],
  }
}

/** Without a leaf nothing works: first retry and longest pause. */
const missingFirstMs = 250
const missingLongestMs = 30_000
/** Only an operator can change these, by another enrollment. */
const refusedPauseMs = 300_000

/** When to ask again after the failure that the state holds. */
export function retryDelayMs(state: LeafState, nowMs: number, random: Random): number {
  const fraction = random.fraction()
  const code = state.failure?.code
  if (code === 'service-not-allowed' || code === 'host-evicted') return refusedPauseMs * (0.5 + fraction)
  const restMs = (state.leaf?.notAfterMs ?? 0) - nowMs
  if (restMs > 0) return nextAttemptDelayMs(state.failures, restMs, fraction)
  const pauseMs = Math.min(missingFirstMs * 2 ** (state.failures - 1), missingLongestMs)
  return pauseMs * (0.5 + fraction)
}

/** When to ask for the successor of the leaf that the state holds. */
export function renewalDelayMs(leaf: Leaf, nowMs: number, random: Random): number {
  return firstRenewalDelayMs(leaf, nowMs, random.fraction())
}

/**
 * Whether the log shall tell of a failure, before it is noted in `state`. Every first start waits to be let in, which the
 * agent says itself, and then for its services to reach the catalog, which is told only when it happens again.
 */
export function isWorthTelling(state: Pick<LeafState, 'failure' | 'toldCode'>, { code }: Failure): boolean {
  if (code === 'not-enrolled' || code === state.toldCode) return false
  return code !== 'service-not-registered' || state.failure?.code === code
}
