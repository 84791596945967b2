/**
 * Answers the queries of model/query.ts on this server: first as fresh as asked (consensus), then at once or when
 * something changed (blocking.ts). What each query reads is in the file of its family; all are listed in planners.ts.
 */
import { anonymous, authorize, type Principal } from '../../model/access.ts'
import type { Failure } from '../../model/errors.ts'
import type { Queries, QueryName, ReadAnswer, ReadMeta, ReadOptions } from '../../model/query.ts'
import type { Metrics } from '../../platform/ports.ts'
import type { ReadRequest, Reply } from '../../rpc/contract.ts'
import type { Consensus } from '../consensus/contract.ts'
import type { Store } from '../store/store.ts'
import { type BlockingPorts, Waiters } from './blocking.ts'
import { type ClusterDirectory, type EnforcementSource, local, planners, unblockable } from './planners.ts'

export interface ReaderPorts extends BlockingPorts {
  readonly store: Store
  readonly consensus: Pick<Consensus, 'readBarrier' | 'status'>
  readonly cluster: ClusterDirectory
  readonly enforcement: EnforcementSource
  readonly metrics: Metrics
}

export class Reader {
  readonly #ports: ReaderPorts
  readonly #waiters: Waiters

  constructor(ports: ReaderPorts) {
    this.#ports = ports
    this.#waiters = new Waiters(ports)
    ports.store.onReplaced(() => this.#waiters.answerAll())
  }

  /** Reads that wait for a change now. */
  get held(): number {
    return this.#waiters.held
  }

  /** Replies once, unless cancelled before. `principal` is who the caller is taken for. */
  read<Name extends QueryName>(
    request: ReadRequest<Name>,
    reply: Reply<ReadAnswer<Name>>,
    principal: Principal = anonymous,
  ): { cancel(): void } {
    const { name, options } = request
    const refused = (failure: Failure): void => {
      this.#ports.metrics.count('mesh_server_read_refusals_total', { code: failure.code, query: name })
      reply({ ok: false, failure })
    }
    const allowed = authorize(principal, { kind: 'read' })
    if (!allowed.ok) {
      refused(allowed.failure)
      return { cancel: () => undefined }
    }
    if (options.consistency === 'stale' || local.has(name))
      return { cancel: this.#begin(request, principal, { reply, refused }) }
    let cancel = (): void => {
      cancelled = true
    }
    let cancelled = false
    this.#ports.consensus.readBarrier((barrier) => {
      if (cancelled) return
      if (barrier.ok) cancel = this.#begin(request, principal, { reply, refused })
      else refused(barrier.failure)
    })
    return { cancel: () => cancel() }
  }

  #begin<Name extends QueryName>(
    { name, args, options }: ReadRequest<Name>,
    principal: Principal,
    outcome: {
      readonly reply: Reply<ReadAnswer<Name>>
      readonly refused: (failure: Failure) => void
    },
  ): () => void {
    const { store, consensus, cluster, enforcement } = this.#ports
    return this.#waiters.begin<Queries[Name]['answer']>({
      question: `${name} ${JSON.stringify(args)}`,
      options,
      mayWait: !unblockable.has(name),
      look: () => {
        const view = store.view()
        const status = consensus.status()
        return { view, plan: planners[name]({ view, status, cluster, enforcement, principal }, args) }
      },
      answered: (index, answer) =>
        outcome.reply({ ok: true, value: { meta: this.#meta(index, options), answer } }),
      refused: outcome.refused,
    })
  }

  #meta(index: number, { consistency }: ReadOptions): ReadMeta {
    const { leader, lastContactMs } = this.#ports.consensus.status()
    return {
      index,
      knownLeader: leader !== undefined,
      lastContactMs,
      effective: consistency === 'default' ? 'leader' : consistency,
    }
  }
}
