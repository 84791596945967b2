/**
 * One alias check whose target lives on another host: a blocking read of that node at the servers, over and over. While
 * no server answers the last status stands, because losing the servers says nothing about the target.
 */
import type { Probe } from '../../model/check.ts'
import { limits } from '../../model/limits.ts'
import type { NodeServices, ReadAnswer } from '../../model/query.ts'
import type { Clock, Random, Timer } from '../../platform/ports.ts'
import type { ServerClient } from '../../rpc/contract.ts'
import type { Rows } from '../registry/rows.ts'
import { aliasOutcome, missingTarget } from './alias-outcome.ts'
import type { ProbeOutcome } from './probe-run.ts'

/** A target that changes all the time is looked at no more often than this. */
const readAgainAfterMs = 1_000
const retryFirstMs = 1_000
const retryMostMs = 60_000

export interface RemoteAliasOptions {
  readonly rows: Rows
  /** Blocking reads of the catalog. */
  readonly read: ServerClient['read']
  readonly clock: Clock
  readonly random: Random
}

type AliasProbe = Extract<Probe, { readonly type: 'alias' }>

export class RemoteAlias {
  readonly #checkId: string
  readonly #probe: AliasProbe
  readonly #options: RemoteAliasOptions
  #timer: Timer | undefined
  #pending: { cancel(): void } | undefined
  #stopped: boolean = false
  #index = 0
  #failures = 0

  constructor(checkId: string, probe: AliasProbe, options: RemoteAliasOptions) {
    this.#checkId = checkId
    this.#probe = probe
    this.#options = options
    this.#readAfter(options.random.fraction() * readAgainAfterMs)
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#pending?.cancel()
  }

  #readAfter(delayMs: number): void {
    this.#timer = this.#options.clock.after(delayMs, () => this.#read())
  }

  #read(): void {
    const request = {
      name: 'catalog.node',
      args: { node: this.#probe.node },
      options: { consistency: 'stale', minIndex: this.#index, waitMs: limits.blockingDefaultMs },
      token: '',
    } as const
    this.#pending = this.#options.read(request, (result) => {
      if (this.#stopped) return
      if (result.ok) this.#take(result.value)
      else this.#retry()
    })
  }

  #take({ meta, answer }: ReadAnswer<'catalog.node'>): void {
    // An index that went back comes from another history; waiting for the old one would take for ever.
    this.#index = meta.index < this.#index ? 0 : meta.index
    this.#failures = 0
    const { status, output } = outcomeOf(this.#probe, answer)
    this.#options.rows.report(this.#checkId, status, output)
    this.#readAfter(readAgainAfterMs)
  }

  #retry(): void {
    const { random } = this.#options
    const delayMs = Math.min(retryFirstMs * 2 ** this.#failures, retryMostMs)
    this.#failures += 1
    this.#readAfter(delayMs * (0.5 + random.fraction() / 2))
  }
}

function outcomeOf(probe: AliasProbe, answer: NodeServices | null): ProbeOutcome {
  const { node, serviceId } = probe
  if (answer === null) return missingTarget(serviceId, node)
  if (serviceId !== '' && !answer.services.some((service) => service.id === serviceId))
    return missingTarget(serviceId, node)
  return aliasOutcome(
    answer.checks.filter((check) => check.serviceId === '' || check.serviceId === serviceId),
  )
}
