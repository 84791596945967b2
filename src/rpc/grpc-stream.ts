/**
 * A frame stream of the contract on a gRPC bidirectional call, for either end. Counts what was sent and not yet taken
 * by the network, because the sender must see a slow receiver; turns every way a call can end into one `onClose`.
 */
import type { ClientDuplexStream, ServerDuplexStream } from '@grpc/grpc-js'
import type { Failure, Result } from '../model/errors.ts'
import type { Clock, Timer } from '../platform/ports.ts'
import type { FrameStream } from './contract.ts'

/** What differs between the ends: how a call is dropped, and how it is ended with a reason. */
export interface CallEnd {
  /** Ends the call at once, telling `reason` to the peer if nothing stands before it. */
  readonly drop: (reason: Failure, isIdle: boolean) => void
  /** A listener threw: what the peer is told. */
  readonly thrown: (error: unknown) => Failure
  readonly clock: Clock
}

/** How long an ended stream may take to send what is queued; a peer that does not read must not hold it for ever. */
const lingerMs = 10_000

export interface FrameCodec<Out, In> {
  readonly encode: (frame: Out) => Buffer
  readonly decode: (bytes: Uint8Array) => Result<In>
}

export type FrameCall = ServerDuplexStream<Buffer, Buffer> | ClientDuplexStream<Buffer, Buffer>

type Listener<In> = Parameters<FrameStream<never, In>['listen']>[0]

export class GrpcFrameStream<Out, In> implements FrameStream<Out, In> {
  readonly #call: FrameCall
  readonly #codec: FrameCodec<Out, In>
  readonly #end: CallEnd
  #listener: Listener<In> | undefined
  #queued = 0
  #sending: 'open' | 'ended' = 'open'
  #linger: Timer | undefined
  /** Set once; kept for a listener that comes later. */
  #closed: { readonly reason: Failure | undefined } | undefined

  constructor(call: FrameCall, codec: FrameCodec<Out, In>, end: CallEnd) {
    this.#call = call
    this.#codec = codec
    this.#end = end
    call.on('error', ignoreError)
  }

  send(frame: Out): void {
    if (this.#closed !== undefined || this.#sending === 'ended') return
    const bytes = this.#codec.encode(frame)
    this.#queued += bytes.length
    this.#call.write(bytes, () => {
      this.#queued -= bytes.length
      if (this.#queued === 0 && this.#closed === undefined) this.#listener?.onDrain()
    })
  }

  queuedBytes(): number {
    return this.#queued
  }

  end(): void {
    if (this.#closed !== undefined || this.#sending === 'ended') return
    this.#sending = 'ended'
    this.#call.end()
    const late = { code: 'overloaded', message: 'the peer did not read the end of the stream' } as const
    this.#linger = this.#end.clock.after(lingerMs, () => this.destroy(late))
  }

  destroy(reason: Failure): void {
    if (this.#closed !== undefined) return
    this.#end.drop(reason, this.#queued === 0)
    this.close(reason)
  }

  listen(listener: Listener<In>): void {
    this.#listener = listener
    const closed = this.#closed
    if (closed !== undefined) queueMicrotask(() => listener.onClose(closed.reason))
    else this.#call.on('data', (bytes: Buffer) => this.#receive(bytes))
  }

  /** The call is over, however it came: told once, and never inside a call of the stream's own methods. */
  close(reason: Failure | undefined): void {
    if (this.#closed !== undefined) return
    this.#linger?.cancel()
    const closed = { reason: this.#sending === 'ended' ? undefined : reason }
    this.#closed = closed
    const listener = this.#listener
    if (listener !== undefined) queueMicrotask(() => listener.onClose(closed.reason))
  }

  #receive(bytes: Buffer): void {
    if (this.#closed !== undefined) return
    const frame = this.#codec.decode(bytes)
    if (!frame.ok) {
      this.destroy(frame.failure)
      return
    }
    try {
      this.#listener?.onFrame(frame.value)
    } catch (error) {
      // Inside the library it would become an unhandled rejection, far from here.
      this.destroy(this.#end.thrown(error))
    }
  }
}

/** Without a listener a lost connection would end the process; `status` and `cancelled` say the same in order. */
function ignoreError(): void {}
