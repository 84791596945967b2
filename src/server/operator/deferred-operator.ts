/**
 * The door for operators before the server's rooms are open: a server that waits for others, or for a token, can still say
 * how things stand, which is when it is asked most. Afterwards it only passes on.
 */
import type { Failure } from '../../model/errors.ts'
import type { Peer, Reply } from '../../rpc/contract.ts'
import type { OperationAnswer, OperationName, OperationRequest, OperatorApi } from '../../rpc/operator.ts'
import type { QuorumWatch } from './quorum-watch.ts'

const noData = new Uint8Array(0)

export class DeferredOperator implements OperatorApi {
  #open: OperatorApi | undefined
  #quorum: QuorumWatch | undefined
  readonly #reason: () => Failure

  /** `reason` says why nothing else is done yet. */
  constructor(reason: () => Failure) {
    this.#reason = reason
  }

  /** The log is open: it can be told who is missing. */
  watch(quorum: QuorumWatch): void {
    this.#quorum = quorum
  }

  open(api: OperatorApi): void {
    this.#open = api
  }

  operate<Name extends OperationName>(
    peer: Peer,
    request: OperationRequest<Name>,
    reply: Reply<OperationAnswer<Name>>,
  ): void {
    if (this.#open !== undefined) {
      this.#open.operate(peer, request, reply)
      return
    }
    const status =
      request.name === 'cluster.status' && peer.address === 'local' ? this.#quorum?.status() : undefined
    // A server that belongs to no cluster yet has something else to say than that nobody leads it.
    if (status === undefined || status.servers.length === 0) reply({ ok: false, failure: this.#reason() })
    else reply({ ok: true, value: { answer: status, data: noData } as OperationAnswer<Name> })
  }
}
