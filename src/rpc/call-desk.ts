/**
 * The server's end of the stream that carries many short calls: each is answered when it is done, in any order, exactly as if
 * it had come by itself. What may run at once and wait to be sent is bounded.
 */
import { failed, type Result } from '../model/errors.ts'
import { limits } from '../model/limits.ts'
import type { Metrics } from '../platform/ports.ts'
import { readAnswerCodec, readRequestCodec, writeAnswerCodec, writeRequestCodec } from './call-codec.ts'
import type { CallAnswerFrame, CallFrame } from './call-frame.ts'
import type { FrameStream, Peer, ServerApi } from './contract.ts'

export interface CallDeskOptions {
  readonly api: Pick<ServerApi, 'write' | 'read'>
  readonly metrics: Metrics
}

/** Serves one such stream until it ends. */
export function serveCalls(
  options: CallDeskOptions,
  peer: Peer,
  stream: FrameStream<CallAnswerFrame, CallFrame>,
): void {
  const desk = new CallDesk(options, peer, stream)
  stream.listen({
    onFrame: (frame) => desk.serve(frame),
    onDrain: () => undefined,
    onClose: () => desk.end(),
  })
  stream.send({ kind: 'ready' })
}

class CallDesk {
  readonly #options: CallDeskOptions
  readonly #peer: Peer
  readonly #stream: FrameStream<CallAnswerFrame, CallFrame>
  readonly #reads = new Set<{ cancel(): void }>()
  #open = 0
  #isOver: boolean = false

  constructor(options: CallDeskOptions, peer: Peer, stream: FrameStream<CallAnswerFrame, CallFrame>) {
    this.#options = options
    this.#peer = peer
    this.#stream = stream
  }

  serve(frame: CallFrame): void {
    if (this.#open >= limits.rpcSharedCalls) {
      this.#answer(frame.id, failed('overloaded', 'too many calls are open on this connection'))
      return
    }
    this.#open += 1
    if (frame.kind === 'write') this.#write(frame)
    else this.#read(frame)
  }

  end(): void {
    this.#isOver = true
    for (const read of this.#reads) read.cancel()
    this.#reads.clear()
  }

  #write({ id, request: bytes }: CallFrame): void {
    const request = writeRequestCodec.decode(bytes)
    if (!request.ok) {
      this.#malformed(id, request)
      return
    }
    this.#options.api.write(this.#peer, request.value, (result) =>
      this.#done(id, result.ok ? { ok: true, value: writeAnswerCodec.encode(result.value) } : result),
    )
  }

  #read({ id, request: bytes }: CallFrame): void {
    const request = readRequestCodec.decode(bytes)
    if (!request.ok) {
      this.#malformed(id, request)
      return
    }
    // Without a way to cancel it, a read that waits would stay until its time is over.
    if (request.value.options.minIndex > 0) {
      this.#malformed(id, failed('bad-request', 'a read that waits needs a call of its own'))
      return
    }
    let isDone = false
    let read: { cancel(): void } | undefined
    read = this.#options.api.read(this.#peer, request.value, (result) => {
      isDone = true
      if (read !== undefined) this.#reads.delete(read)
      this.#done(id, result.ok ? { ok: true, value: readAnswerCodec.encode(result.value) } : result)
    })
    if (!isDone) this.#reads.add(read)
  }

  #malformed(id: number, result: Extract<Result<never>, { readonly ok: false }>): void {
    this.#options.metrics.count('mesh_rpc_malformed_total')
    this.#done(id, result)
  }

  #done(id: number, result: Result<Uint8Array>): void {
    this.#open -= 1
    this.#answer(id, result)
  }

  #answer(id: number, result: Result<Uint8Array>): void {
    if (this.#isOver) return
    if (result.ok && result.value.length > limits.rpcSharedCallBytes) this.#stream.send({ kind: 'apart', id })
    else if (result.ok) this.#stream.send({ kind: 'answer', id, answer: result.value })
    else this.#stream.send({ kind: 'failure', id, failure: result.failure })
    if (this.#stream.queuedBytes() > limits.rpcSharedAnswersQueuedBytes)
      this.#stream.destroy({ code: 'overloaded', message: 'the client does not take its answers' })
  }
}
