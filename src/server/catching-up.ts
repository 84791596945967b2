/**
 * What a server that lags behind the leader must not refuse at once: a host that another server has just enrolled, a service
 * that was registered a moment ago. A refusal of that kind is repeated on a state that is proven to be the newest.
 */
import { type ErrorCode, failed, type Result } from '../model/errors.ts'
import type { Reply } from '../rpc/contract.ts'
import type { Consensus } from './consensus/contract.ts'

/** Refusals that newer state may take back. */
const perhapsOld: ReadonlySet<ErrorCode> = new Set([
  'not-enrolled',
  'bad-token',
  'host-evicted',
  'token-unknown',
  'service-not-allowed',
  'service-not-registered',
])

export class CatchingUp {
  readonly #consensus: Pick<Consensus, 'status' | 'readBarrier'>

  constructor(consensus: Pick<Consensus, 'status' | 'readBarrier'>) {
    this.#consensus = consensus
  }

  /**
   * Replies with what `attempt` gives: on the state as it is, and once more on the newest where the first is a refusal that
   * this may change. `no-leader` where nobody can tell what is the newest.
   */
  try<Value>(attempt: (reply: Reply<Value>) => void, reply: Reply<Value>): void {
    attempt((result) => {
      if (!this.#mayBeOld(result)) reply(result)
      else
        this.#consensus.readBarrier((barrier) => {
          if (barrier.ok) attempt(reply)
          else reply(failed('no-leader', `this server may be behind its leader: ${barrier.failure.message}`))
        })
    })
  }

  #mayBeOld(result: Result<unknown>): boolean {
    return !result.ok && perhapsOld.has(result.failure.code) && this.#consensus.status().role !== 'leader'
  }
}
