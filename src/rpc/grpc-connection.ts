/**
 * One connection to one server: made with the credentials of its moment, used for calls and streams until it is lost,
 * never repaired. Finding another server and another certificate is the client's business (grpc-client.ts); gRPC's own
 * reconnecting would go on with the old ones.
 */
import {
  type CallOptions,
  ChannelCredentials,
  Client,
  type ClientDuplexStream,
  connectivityState,
  Metadata,
  status,
} from '@grpc/grpc-js'
import type { Failure, Result } from '../model/errors.ts'
import { limits } from '../model/limits.ts'
import type { Clock } from '../platform/ports.ts'
import { callFrameCodec, callsPath } from './call-frame.ts'
import { CallStream } from './call-stream.ts'
import { type ClientIdentity, MeshChannelCredentials } from './channel-credentials.ts'
import type { AgentFrame, FrameStream, ServerFrame } from './contract.ts'
import { decodeServerFrame, encodeAgentFrame } from './frame-codec.ts'
import { type FrameCodec, GrpcFrameStream } from './grpc-stream.ts'
import { controlPath, type Method, passBytes } from './methods.ts'
import { failureOfStatus } from './status.ts'

export interface ConnectionEvents {
  readonly onReady: () => void
  /** It could not be made; nothing was sent. */
  readonly onRefused: (reason: Failure) => void
  /** It was ready and is no more. */
  readonly onLost: () => void
}

export interface ConnectionTarget {
  /** `host:port`, or `unix:/path` for a server on this machine. */
  readonly address: string
  readonly identity: ClientIdentity
  readonly clock: Clock
  /** Between servers: larger messages, and a lost peer is noticed sooner. */
  readonly tuning?: ConnectionTuning
}

export interface ConnectionTuning {
  readonly sendBytes: number
  /** Until TCP is connected; the handshakes behind it have their own time, because the other side may be busy. */
  readonly connectTimeoutMs: number
  /** Silence before a ping, and before its answer is given up. */
  readonly keepaliveMs: number
}

const options = {
  'grpc.max_receive_message_length': limits.rpcAnswerBytes,
  'grpc.keepalive_permit_without_calls': 1,
  // A window of 64 KiB would bound a snapshot over 40 ms to 1.6 MB/s.
  'grpc-node.flow_control_window': 1024 * 1024,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_channelz': 0,
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
} as const

const agentTuning: ConnectionTuning = {
  sendBytes: limits.rpcRequestBytes,
  connectTimeoutMs: limits.handshakeTimeoutMs,
  keepaliveMs: 5_000,
}

export class GrpcConnection {
  readonly address: string
  readonly #client: Client
  readonly #events: ConnectionEvents
  readonly #clock: Clock
  readonly #tuning: ConnectionTuning
  /** Calls and streams that have not ended. */
  readonly #active = new Set<{ cancel(): void }>()
  readonly #calls: CallStream | undefined
  #retired = false
  #state: 'connecting' | 'ready' | 'over' = 'connecting'
  #refusal: Failure | undefined
  #isReached: boolean = false

  constructor(target: ConnectionTarget, events: ConnectionEvents) {
    this.address = target.address
    this.#events = events
    this.#clock = target.clock
    this.#tuning = target.tuning ?? agentTuning
    const credentials = target.address.startsWith('unix:')
      ? ChannelCredentials.createInsecure()
      : new MeshChannelCredentials(target.identity, target.clock, {
          onReached: () => {
            this.#isReached = true
          },
          onRefused: (failure) => {
            this.#refusal = failure
          },
        })
    this.#client = new Client(target.address, credentials, {
      ...options,
      'grpc.max_send_message_length': this.#tuning.sendBytes,
      'grpc.keepalive_time_ms': this.#tuning.keepaliveMs,
      'grpc.keepalive_timeout_ms': this.#tuning.keepaliveMs,
    })
    // Who is not enrolled yet makes one call and goes.
    if (target.identity.kind === 'host') this.#calls = this.#callStream()
    this.#watchConnecting(this.#clock.wallMs() + this.#tuning.connectTimeoutMs)
  }

  /**
   * `done` gets the answer, or undefined where the connection was lost or the time ran out: nobody knows then whether
   * the server did it.
   */
  call<Request, Answer>(
    method: Method<Request, Answer>,
    request: Request,
    timeoutMs: number,
    done: (result: Result<Answer> | undefined) => void,
  ): { cancel(): void } {
    const alone = () => this.#callAlone(method, request, timeoutMs, done)
    return this.#calls?.tryCall(method, request, { timeoutMs, done, alone }) ?? alone()
  }

  #callAlone<Request, Answer>(
    method: Method<Request, Answer>,
    request: Request,
    timeoutMs: number,
    done: (result: Result<Answer> | undefined) => void,
  ): { cancel(): void } {
    const callOptions: CallOptions = { deadline: this.#clock.wallMs() + timeoutMs }
    const call = withoutTraces(() =>
      this.#client.makeUnaryRequest<Request, Result<Answer>>(
        method.path,
        (value) => method.request.encode(value),
        (bytes) => method.answer.decode(bytes),
        request,
        new Metadata(),
        callOptions,
        (error, answer) => {
          this.#release(call)
          if (error === null) done(answer)
          else {
            const failure = failureOfStatus(error)
            done(failure === undefined ? undefined : { ok: false, failure })
          }
        },
      ),
    )
    this.#active.add(call)
    return { cancel: () => call.cancel() }
  }

  control(): FrameStream<AgentFrame, ServerFrame> {
    return this.stream(controlPath, { encode: encodeAgentFrame, decode: decodeServerFrame })
  }

  /** A bidirectional stream of the method at `path`. */
  stream<Out, In>(path: string, codec: FrameCodec<Out, In>): FrameStream<Out, In> {
    return this.#stream(path, codec, this.#active)
  }

  #callStream(): CallStream {
    return new CallStream({
      // Always open, so it must not keep a connection that is retired.
      open: () => this.#stream(callsPath, callFrameCodec.client, new Set()),
      clock: this.#clock,
      onIdle: () => this.#closeIfRetired(),
    })
  }

  #stream<Out, In>(
    path: string,
    codec: FrameCodec<Out, In>,
    active: Set<{ cancel(): void }>,
  ): FrameStream<Out, In> {
    const call: ClientDuplexStream<Buffer, Buffer> = this.#client.makeBidiStreamRequest(
      path,
      passBytes,
      passBytes,
    )
    const end = { drop: () => call.cancel(), thrown: rethrow, clock: this.#clock }
    const stream = new GrpcFrameStream<Out, In>(call, codec, end)
    active.add(call)
    call.on('status', (ended) => {
      active.delete(call)
      this.#closeIfRetired()
      const lost = { code: 'no-server', message: 'the connection to the server was lost' } as const
      stream.close(ended.code === status.OK ? undefined : (failureOfStatus(ended) ?? lost))
    })
    return stream
  }

  /** No more calls will come: closes when those that are open have ended. */
  retire(): void {
    this.#retired = true
    this.#closeIfRetired()
  }

  /** Ends everything at once; open calls end as lost. No event comes after. */
  close(): void {
    this.#state = 'over'
    this.#calls?.close()
    for (const call of this.#active) call.cancel()
    this.#client.close()
  }

  #release(call: { cancel(): void }): void {
    this.#active.delete(call)
    this.#closeIfRetired()
  }

  #closeIfRetired(): void {
    if (this.#retired && this.#active.size === 0 && this.#calls?.isIdle !== false) this.close()
  }

  #watchConnecting(deadlineMs: number): void {
    const channel = this.#client.getChannel()
    const state = channel.getConnectivityState(true)
    if (this.#state !== 'connecting') return
    if (state === connectivityState.READY) {
      this.#state = 'ready'
      this.#watchReady()
      this.#events.onReady()
    } else if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN)
      this.#refuse('no connection')
    else
      channel.watchConnectivityState(state, deadlineMs, (timeout) => {
        if (timeout === undefined) this.#watchConnecting(deadlineMs)
        else this.#late()
      })
  }

  #late(): void {
    if (this.#state !== 'connecting') return
    if (!this.#isReached) this.#refuse('no answer in time')
    else {
      this.#isReached = false
      this.#watchConnecting(this.#clock.wallMs() + limits.handshakeTimeoutMs)
    }
  }

  #refuse(what: string): void {
    const reason = this.#refusal ?? { code: 'no-server', message: what }
    this.close()
    this.#events.onRefused({ code: reason.code, message: `${this.address}: ${reason.message}` })
  }

  #watchReady(): void {
    this.#client
      .getChannel()
      .watchConnectivityState(connectivityState.READY, Number.POSITIVE_INFINITY, () => {
        if (this.#state !== 'ready') return
        this.close()
        this.#events.onLost()
      })
  }
}

/** A mistake of our own program: it ends the process where it can be seen, outside the library's promises. */
function rethrow(error: unknown): Failure {
  queueMicrotask(() => {
    throw error
  })
  return { code: 'internal', message: 'the caller failed; its log tells more' }
}

/** The library notes for every call where it came from, which costs as much as the call's encoding; a `Failure` has no trace. */
function withoutTraces<Value>(run: () => Value): Value {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return run()
  } finally {
    Error.stackTraceLimit = limit
  }
}
