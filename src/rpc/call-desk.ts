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
  stream.send({ kind: 'ready', waits: true })
}

class CallDesk {
  readonly #options: CallDeskOptions
  readonly #peer: Peer
  readonly #stream: FrameStream<CallAnswerFrame, CallFrame>
  readonly #reads = new Set<{ cancel(): void }>()
  /** Reads that wait for a change, by the id of their call. */
  readonly #waits = new Map<number, { cancel(): void }>()
  #open = 0
  #isOver: boolean = false

  constructor(options: CallDeskOptions, peer: Peer, stream: FrameStream<CallAnswerFrame, CallFrame>) {
    this.#options = options
    this.#peer = peer
    this.#stream = stream
  }

  serve(frame: CallFrame): void {
    if (frame.kind === 'cancel') this.#cancel(frame.id)
    else if (frame.kind === 'wait') this.#wait(frame)
    else if (this.#open >= limits.rpcSharedCalls) this.#answer(frame.id, tooMany)
    else {
      this.#open += 1
      if (frame.kind === 'write') this.#write(frame)
      else this.#read(frame)
    }
  }

  end(): void {
    this.#isOver = true
    for (const read of [...this.#reads, ...this.#waits.values()]) read.cancel()
    this.#reads.clear()
    this.#waits.clear()
  }

  #wait({ id, request: bytes }: Asking): void {
    const request = readRequestCodec.decode(bytes)
    if (!request.ok || this.#waits.has(id)) {
      this.#options.metrics.count('mesh_rpc_malformed_total')
      this.#answer(id, request.ok ? failed('bad-request', 'another call of this id is open') : request)
      return
    }
    if (this.#waits.size >= limits.rpcSharedWaits) {
      this.#answer(id, tooMany)
      return
    }
    let isDone = false
    const read = this.#options.api.read(this.#peer, request.value, (result) => {
      isDone = true
      this.#waits.delete(id)
      this.#answer(id, result.ok ? { ok: true, value: readAnswerCodec.encode(result.value) } : result)
    })
    if (!isDone) this.#waits.set(id, read)
  }

  #cancel(id: number): void {
    this.#waits.get(id)?.cancel()
    this.#waits.delete(id)
  }

  #write({ id, request: bytes }: Asking): void {
    const request = writeRequestCodec.decode(bytes)
    if (!request.ok) {
      this.#malformed(id, request)
      return
    }
    this.#options.api.write(this.#peer, request.value, (result) =>
      this.#done(id, result.ok ? { ok: true, value: writeAnswerCodec.encode(result.value) } : result),
    )
  }

  #read({ id, request: bytes }: Asking): void {
    const request = readRequestCodec.decode(bytes)
    if (!request.ok) {
      this.#malformed(id, request)
      return
    }
    // Without a way to cancel it, a read that waits would stay until its time is over.
    if (request.value.options.minIndex > 0) {
      this.#malformed(id, failed('bad-request', 'a read that waits comes as one'))
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
    if (result.ok && !this.#hasRoom(result.value)) this.#stream.send({ kind: 'apart', id })
    else if (result.ok) this.#stream.send({ kind: 'answer', id, answer: result.value })
    else this.#stream.send({ kind: 'failure', id, failure: result.failure })
    if (this.#stream.queuedBytes() > limits.rpcSharedAnswersQueuedBytes)
      this.#stream.destroy({ code: 'overloaded', message: 'the client does not take its answers' })
  }

  /** One change may answer thousands of reads that wait; what the stream cannot queue is fetched as fast as it is taken. */
  #hasRoom(answer: Uint8Array): boolean {
    const queuedMax = limits.rpcSharedAnswersQueuedBytes / 2
    return answer.length <= limits.rpcSharedCallBytes && this.#stream.queuedBytes() <= queuedMax
  }
}

type Asking = Exclude<CallFrame, { readonly kind: 'cancel' }>

const tooMany = failed('overloaded', 'too many calls are open on this connection')
