/**
 * One channel from this server to another: a connection with one stream, made again with growing pauses whenever it breaks.
 * What cannot be sent is dropped within bounds: the core repeats what is lost. Who the other side is, the transport has
 * judged; raft-transport.ts holds three of these per server.
 */
import type { Failure } from '../model/errors.ts'
import { limits } from '../model/limits.ts'
import type { RaftMessage } from '../model/raft-message.ts'
import type { Clock, Metrics, Random, Timer } from '../platform/ports.ts'
import type { FrameStream } from './contract.ts'
import type { ConnectionEvents } from './grpc-connection.ts'
import { encodeHello, encodeMessage, type RaftChannel, type RaftFrame, type RaftHello } from './raft-frame.ts'

/** A connection to the other server, as the sender needs it. */
export interface RaftConnection {
  open(): FrameStream<Buffer, RaftFrame>
  close(): void
}

export interface RaftSenderOptions {
  readonly channel: RaftChannel
  /** Undefined while this server has nothing to show; it is asked again after a pause. */
  readonly connect: (events: ConnectionEvents) => RaftConnection | undefined
  readonly hello: RaftHello
  /** Whether the answer is from whom it should be; undefined if so. */
  readonly judge: (hello: RaftHello) => Failure | undefined
  readonly onOpen: (hello: RaftHello) => void
  readonly onFailure: (reason: Failure) => void
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
}

interface Bound {
  /** What may wait here. */
  readonly bytes: number
  /** What the network is given at once. */
  readonly streamBytes: number
  /** An old heartbeat is worth nothing; an append is worth nothing without those before it. */
  readonly drops: 'oldest' | 'newest'
}

const bounds: { readonly [Channel in RaftChannel]: Bound } = {
  heartbeats: {
    bytes: limits.raftHeartbeatsQueuedBytes,
    streamBytes: limits.raftHeartbeatsQueuedBytes,
    drops: 'oldest',
  },
  appends: {
    bytes: limits.raftAppendsQueuedBytes,
    streamBytes: limits.raftStreamBytes,
    drops: 'newest',
  },
  snapshots: {
    bytes: limits.raftSnapshotsQueuedBytes,
    streamBytes: limits.raftStreamBytes,
    drops: 'newest',
  },
}

const firstPauseMs = 50
const longestPauseMs = 2_000
const pauseFactor = 1.6
const jitter = 0.2
const lost: Failure = { code: 'no-server', message: 'the connection was lost' }

type State =
  | { readonly kind: 'idle' | 'closed' }
  | { readonly kind: 'pausing'; readonly timer: Timer }
  | { readonly kind: 'connecting'; readonly connection: RaftConnection }
  | {
      readonly kind: 'open'
      readonly connection: RaftConnection
      readonly stream: FrameStream<Buffer, RaftFrame>
    }

export class RaftSender {
  readonly #options: RaftSenderOptions
  readonly #bound: Bound
  #state: State = { kind: 'idle' }
  #queue: Buffer[] = []
  #queuedBytes = 0
  #failures = 0

  constructor(options: RaftSenderOptions) {
    this.#options = options
    this.#bound = bounds[options.channel]
  }

  get isOpen(): boolean {
    return this.#state.kind === 'open'
  }

  /** Makes the connection now, if there is none: the other side was heard of. */
  wake(): void {
    if (this.#state.kind === 'pausing') this.#state.timer.cancel()
    if (this.#state.kind === 'idle' || this.#state.kind === 'pausing') this.#connect()
  }

  send(message: RaftMessage): void {
    const { kind } = this.#state
    if (kind === 'closed') return
    if (kind === 'pausing' && this.#bound.drops === 'newest') this.#dropped()
    else this.#enqueue(encodeMessage(message))
    if (kind === 'idle') this.#connect()
  }

  close(): void {
    const state = this.#state
    this.#state = { kind: 'closed' }
    this.#queue = []
    if (state.kind === 'pausing') state.timer.cancel()
    if (state.kind === 'connecting' || state.kind === 'open') state.connection.close()
  }

  #enqueue(frame: Buffer): void {
    const { bytes, drops } = this.#bound
    while (drops === 'oldest' && this.#queuedBytes + frame.length > bytes && this.#queue.length > 0) {
      this.#queuedBytes -= this.#queue.shift()?.length ?? 0
      this.#dropped()
    }
    if (this.#queuedBytes + frame.length > bytes && this.#queue.length > 0) this.#dropped()
    else {
      this.#queue.push(frame)
      this.#queuedBytes += frame.length
    }
    this.#flush()
  }

  #dropped(): void {
    this.#options.metrics.count('raft_messages_dropped_total', { channel: this.#options.channel })
  }

  /** Hands over what the network takes; the rest goes when it has taken that. */
  #flush(): void {
    if (this.#state.kind !== 'open' || this.#queue.length === 0) return
    const { stream } = this.#state
    let sent = 0
    for (const frame of this.#queue) {
      if (stream.queuedBytes() >= this.#bound.streamBytes) break
      stream.send(frame)
      this.#queuedBytes -= frame.length
      sent += 1
    }
    this.#queue = sent === this.#queue.length ? [] : this.#queue.slice(sent)
  }

  #connect(): void {
    const connection = this.#options.connect({
      onReady: () => this.#greet(connection),
      onRefused: (reason) => this.#failed(connection, reason),
      onLost: () => this.#failed(connection, lost),
    })
    if (connection === undefined) this.#pause()
    else this.#state = { kind: 'connecting', connection }
  }

  #greet(connection: RaftConnection | undefined): void {
    if (this.#state.kind !== 'connecting' || connection !== this.#state.connection) return
    const stream = connection.open()
    stream.listen({
      onFrame: (frame) => this.#onFrame(connection, stream, frame),
      onDrain: () => this.#flush(),
      onClose: (reason) => this.#failed(connection, reason ?? lost),
    })
    stream.send(encodeHello(this.#options.hello))
  }

  #onFrame(connection: RaftConnection, stream: FrameStream<Buffer, RaftFrame>, frame: RaftFrame): void {
    if (this.#state.kind !== 'connecting' || frame.kind !== 'hello') return
    const refusal = this.#options.judge(frame.hello)
    if (refusal !== undefined) {
      this.#failed(connection, refusal)
      return
    }
    this.#failures = 0
    this.#state = { kind: 'open', connection, stream }
    this.#options.onOpen(frame.hello)
    this.#flush()
  }

  #failed(connection: RaftConnection | undefined, reason: Failure): void {
    const state = this.#state
    if ((state.kind !== 'connecting' && state.kind !== 'open') || state.connection !== connection) return
    state.connection.close()
    if (this.#bound.drops === 'newest') {
      this.#queue = []
      this.#queuedBytes = 0
    }
    this.#pause()
    this.#options.onFailure(reason)
  }

  #pause(): void {
    const { clock, random } = this.#options
    const spread = 1 + jitter * (2 * random.fraction() - 1)
    const delayMs = Math.min(firstPauseMs * pauseFactor ** this.#failures, longestPauseMs) * spread
    this.#failures += 1
    this.#state = { kind: 'pausing', timer: clock.after(delayMs, () => this.#connect()) }
  }
}
