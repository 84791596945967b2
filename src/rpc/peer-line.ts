/**
 * Streams to one other server beside Raft's own: on a connection of their own, made when the first stream is wanted and kept
 * while there are any. A connection that is lost ends its streams; the next stream makes another.
 */
import type { Failure, Result } from '../model/errors.ts'
import { limits } from '../model/limits.ts'
import type { FrameStream } from './contract.ts'
import type { ConnectionEvents, GrpcConnection } from './grpc-connection.ts'
import type { FrameCodec } from './grpc-stream.ts'
import { HeldStream } from './held-stream.ts'
import type { Method } from './methods.ts'

/** A stream that waits for the connection. */
interface Waiting {
  bind(connection: GrpcConnection): void
  fail(reason: Failure): void
}

export class PeerLine {
  readonly #connect: (events: ConnectionEvents) => GrpcConnection | undefined
  #ready: GrpcConnection | undefined
  #connecting: GrpcConnection | undefined
  #waiting: Waiting[] = []

  /** `connect` gives undefined while this server has nothing to show. */
  constructor(connect: (events: ConnectionEvents) => GrpcConnection | undefined) {
    this.#connect = connect
  }

  /** The stream is there at once and keeps what is sent; it ends with `no-server` where the server cannot be reached. */
  open<Out, In>(path: string, codec: FrameCodec<Out, In>): FrameStream<Out, In> {
    const stream = new HeldStream<Out, In>(queueMicrotask)
    if (this.#ready !== undefined) stream.bind(this.#ready.stream(path, codec))
    else {
      this.#waiting.push({
        bind: (connection) => {
          if (!stream.isClosed()) stream.bind(connection.stream(path, codec))
        },
        fail: (reason) => stream.fail(reason),
      })
      if (this.#connecting === undefined) this.#dial()
    }
    return stream
  }

  /** One call; `done` gets undefined where nobody knows whether it was done. */
  call<Request, Answer>(
    method: Method<Request, Answer>,
    request: Request,
    done: (result: Result<Answer> | undefined) => void,
  ): void {
    const bind = (connection: GrpcConnection): void => {
      connection.call(method, request, limits.rpcCallTimeoutMs, done)
    }
    if (this.#ready !== undefined) bind(this.#ready)
    else {
      this.#waiting.push({ bind, fail: (failure) => done({ ok: false, failure }) })
      if (this.#connecting === undefined) this.#dial()
    }
  }

  close(): void {
    this.#connecting?.close()
    this.#ready?.close()
    this.#connecting = this.#ready = undefined
    this.#fail({ code: 'no-server', message: 'this server does not speak to that one any more' })
  }

  #dial(): void {
    const connection = this.#connect({
      onReady: () => {
        this.#ready = this.#connecting
        this.#connecting = undefined
        for (const waiting of this.#waiting.splice(0))
          if (this.#ready !== undefined) waiting.bind(this.#ready)
      },
      onRefused: (reason) => {
        this.#connecting = undefined
        this.#fail({ code: 'no-server', message: reason.message })
      },
      onLost: () => {
        this.#ready = undefined
      },
    })
    this.#connecting = connection
    if (connection === undefined)
      this.#fail({ code: 'no-server', message: 'this server has no certificate yet' })
  }

  #fail(reason: Failure): void {
    for (const waiting of this.#waiting.splice(0)) waiting.fail(reason)
  }
}
