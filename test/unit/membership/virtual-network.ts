// A network of virtual time for pools: datagrams and streams between addresses, which a test can cut, slow down or spy
// on. Every delivery is an event of the clock; nothing is delivered within a call.
import type {
  ByteStream,
  PoolSocket,
  PoolSocketListener,
  PoolSockets,
  SocketEndpoint,
  StreamListener,
} from '../../../src/platform/ports.ts'
import type { VirtualClock } from '../../simulation/clock.ts'

const delayMs = 1

interface Bound {
  readonly at: SocketEndpoint
  readonly listener: PoolSocketListener
}

const keyOf = ({ address, port }: SocketEndpoint): string => `${address} ${port}`

export class VirtualNetwork {
  readonly #clock: VirtualClock
  readonly #bound = new Map<string, Bound>()
  /** Whether a datagram, or a stream, passes. */
  passes: (from: SocketEndpoint, to: SocketEndpoint, kind: 'packet' | 'stream') => boolean = () => true
  /** Every datagram that is delivered. */
  onPacket: (packet: Uint8Array, from: SocketEndpoint, to: SocketEndpoint) => void = () => undefined

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  readonly sockets: PoolSockets = {
    open: (at, listener, done) => {
      const bound: Bound = { at, listener }
      if (this.#bound.has(keyOf(at))) {
        done(undefined, `cannot listen on ${keyOf(at)}: another process uses it`)
        return
      }
      this.#bound.set(keyOf(at), bound)
      done(this.#socket(bound), '')
    },
  }

  /** As from a stranger. */
  inject(packet: Uint8Array, from: SocketEndpoint, to: SocketEndpoint): void {
    this.#clock.after(delayMs, () => {
      if (!this.passes(from, to, 'packet')) return
      this.onPacket(packet, from, to)
      this.#bound.get(keyOf(to))?.listener.onPacket(packet, from)
    })
  }

  connect(from: SocketEndpoint, to: SocketEndpoint, listener: StreamListener): ByteStream {
    return connectStreams(this.#clock, { from, to, listener }, () =>
      this.passes(from, to, 'stream') ? this.#bound.get(keyOf(to))?.listener : undefined,
    )
  }

  #socket({ at }: Bound): PoolSocket {
    let isClosed = false
    return {
      port: at.port,
      send: (packet, to) => {
        const isSent = !isClosed && to.port !== 0
        if (isSent) this.inject(Uint8Array.from(packet), at, to)
        return isSent
      },
      connect: (to, listener) => this.connect(at, to, listener),
      close: () => {
        isClosed = true
        this.#bound.delete(keyOf(at))
      },
    }
  }
}

interface Connecting {
  readonly from: SocketEndpoint
  readonly to: SocketEndpoint
  readonly listener: StreamListener
}

/** One side of a connection; what it writes arrives at the other in order. */
class Side {
  readonly #clock: VirtualClock
  readonly remote: SocketEndpoint
  other: Side | undefined
  listener: StreamListener | undefined
  isOver = false

  constructor(clock: VirtualClock, remote: SocketEndpoint) {
    this.#clock = clock
    this.remote = remote
  }

  get stream(): ByteStream {
    return {
      remote: this.remote,
      write: (bytes) => this.#later((other) => other.listener?.onBytes(Uint8Array.from(bytes))),
      end: () => this.#later((other) => other.over(undefined)),
      destroy: () => {
        this.isOver = true
        this.#later((other) => other.over('the other side broke the connection'))
      },
    }
  }

  over(error: string | undefined): void {
    if (this.isOver) return
    this.isOver = true
    this.listener?.onEnd(error)
  }

  #later(act: (other: Side) => void): void {
    this.#clock.after(delayMs, () => {
      if (this.other !== undefined && !this.other.isOver) act(this.other)
    })
  }
}

function connectStreams(
  clock: VirtualClock,
  { from, to, listener }: Connecting,
  find: () => PoolSocketListener | undefined,
): ByteStream {
  const near = new Side(clock, to)
  const far = new Side(clock, from)
  near.listener = listener
  near.other = far
  far.other = near
  // Behind it in the clock's order comes what was written at once.
  clock.after(0, () => {
    const found = find()
    const served = found?.onStream(far.stream)
    far.listener = served
    if (served === undefined) {
      far.isOver = true
      clock.after(delayMs, () =>
        near.over(found === undefined ? 'connection refused: nothing listens there' : undefined),
      )
    }
  })
  return near.stream
}
