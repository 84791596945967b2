/**
 * What a server answers before it has the cluster's state: every call is refused, with the reason why it does not serve yet and
 * what to do about it. Afterwards it only passes on.
 */
import type { Failure } from '../model/errors.ts'
import type { ServerApi } from '../rpc/contract.ts'

const nothingHeld = { cancel: () => undefined }

export class DeferredCalls {
  #calls: ServerApi | undefined
  #reason: Failure

  /** `reason` is told until `open`. */
  constructor(reason: Failure) {
    this.#reason = reason
  }

  explain(reason: Failure): void {
    this.#reason = reason
  }

  get reason(): Failure {
    return this.#reason
  }

  open(calls: ServerApi): void {
    this.#calls = calls
  }

  get isOpen(): boolean {
    return this.#calls !== undefined
  }

  readonly api: ServerApi = {
    enroll: (peer, request, reply) =>
      this.#calls === undefined ? reply(this.#refusal) : this.#calls.enroll(peer, request, reply),
    renewHost: (peer, request, reply) =>
      this.#calls === undefined ? reply(this.#refusal) : this.#calls.renewHost(peer, request, reply),
    enrollServer: (peer, request, reply) =>
      this.#calls === undefined ? reply(this.#refusal) : this.#calls.enrollServer(peer, request, reply),
    federate: (peer, request, reply) =>
      this.#calls === undefined ? reply(this.#refusal) : this.#calls.federate(peer, request, reply),
    signLeaf: (peer, request, reply) =>
      this.#calls === undefined ? reply(this.#refusal) : this.#calls.signLeaf(peer, request, reply),
    write: (peer, request, reply) =>
      this.#calls === undefined ? reply(this.#refusal) : this.#calls.write(peer, request, reply),
    read: (peer, request, reply) => {
      if (this.#calls !== undefined) return this.#calls.read(peer, request, reply)
      reply(this.#refusal)
      return nothingHeld
    },
    control: (peer, stream) => {
      if (this.#calls === undefined) stream.destroy(this.#reason)
      else this.#calls.control(peer, stream)
    },
  }

  get #refusal(): { readonly ok: false; readonly failure: Failure } {
    return { ok: false, failure: this.#reason }
  }
}
