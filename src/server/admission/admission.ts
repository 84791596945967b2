/**
 * The gate before the log: who may write what (rights.ts), in which size and shape (bounds.ts). What passes is wrapped
 * with its principal and the time and proposed; what depends on the state is decided when the entry is applied (apply/).
 * Who the caller is, server/access has found out before.
 */
import { type Principal, principalName } from '../../model/access.ts'
import type { Applied, Command } from '../../model/command.ts'
import { type Failure, failed, ok, type Result } from '../../model/errors.ts'
import { baseFeatureLevel, featureLevelOf, storeVersionAt } from '../../model/feature.ts'
import type { Clock, Log, Metrics } from '../../platform/ports.ts'
import type { Reply } from '../../rpc/contract.ts'
import type { Consensus } from '../consensus/contract.ts'
import { checkBounds } from './bounds.ts'
import { checkRights } from './rights.ts'

export type Written = Extract<Applied, { readonly ok: true }>

export interface AdmissionPorts {
  readonly consensus: Pick<Consensus, 'propose'>
  readonly clock: Pick<Clock, 'wallMs'>
  readonly log: Log
  readonly metrics: Metrics
  /** What the servers may write into the log now; every command where it is left away. */
  readonly featureLevel?: () => number
}

export type Renewal = Extract<Command, { readonly type: 'session.renew' }>

export class Admission {
  readonly #ports: AdmissionPorts
  #renew: ((renewal: Renewal, reply: Reply<Written>) => void) | undefined

  constructor(ports: AdmissionPorts) {
    this.#ports = ports
  }

  /** Who answers renewals of sessions: they change nothing that is replicated, so the log is spared them. */
  onRenewal(renew: (renewal: Renewal, reply: Reply<Written>) => void): void {
    this.#renew = renew
  }

  /**
   * Proposes `command` for `principal`. Replies once: with the log index and what applying gave, with the refusal, or
   * with what consensus said (`no-leader`, `overloaded`, `write-outcome-unknown`).
   */
  write(principal: Principal, command: Command, reply: Reply<Written>): void {
    const refusal = this.refusalOf(principal, command)
    if (refusal !== undefined) {
      reply({ ok: false, failure: refusal })
      return
    }
    if (command.type === 'session.renew' && this.#renew !== undefined) {
      this.#renew(command, reply)
      return
    }
    const atMs = this.#ports.clock.wallMs()
    const version = storeVersionAt(this.#ports.featureLevel?.() ?? baseFeatureLevel)
    this.#ports.consensus.propose({ version, principal, atMs, command }, (result) => {
      const outcome = flattened(result)
      if (!outcome.ok) this.#refused(principal, command, outcome.failure)
      reply(outcome)
    })
  }

  /** Why `principal` may not write `command`, without a look at the state; logged and counted. */
  refusalOf(principal: Principal, command: Command): Failure | undefined {
    const rights = checkRights(principal, command)
    const bounds = rights.ok ? checkBounds(command) : rights
    const checked = bounds.ok ? this.#checkLevel(command) : bounds
    if (checked.ok) return undefined
    this.#refused(principal, command, checked.failure)
    return checked.failure
  }

  /** What an older server of the cluster could not read must not come into the log. */
  #checkLevel({ type }: Command): Result<unknown> {
    const needed = featureLevelOf(type)
    const level = this.#ports.featureLevel?.() ?? needed
    if (needed <= level) return ok(true)
    return failed('feature-level', `"${type}" needs feature level ${needed}, the cluster stands at ${level}`)
  }

  #refused(principal: Principal, command: Command, failure: Failure): void {
    const { log, metrics } = this.#ports
    metrics.count('mesh_server_write_refusals_total', { code: failure.code, type: command.type })
    log.info('write refused', {
      code: failure.code,
      reason: failure.message,
      command: command.type,
      principal: principalName(principal),
    })
  }
}

function flattened(result: Result<Applied>): Result<Written> {
  if (!result.ok) return result
  return result.value.ok ? { ok: true, value: result.value } : { ok: false, failure: result.value.failure }
}
