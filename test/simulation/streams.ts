/**
 * Two ends of one frame stream in memory, for tests and the simulator. Frames arrive in order after a delay on the given
 * clock; a side can stop reading, so that the other's queue grows, its process can vanish, and the stream can be cut like
 * a network cable, or stall so that neither side hears of anything.
 */
import type { Failure } from '../../src/model/errors.ts'
import type { Clock } from '../../src/platform/ports.ts'
import type { FrameStream } from '../../src/rpc/contract.ts'

export interface StreamOptions {
  readonly clock: Pick<Clock, 'after'>
  readonly delayMs?: number
  /** Size of a frame as the queue counts it; by default that of its JSON. */
  readonly bytesOf?: (frame: unknown) => number
}

export interface StreamPair<A, B> {
  /** Sends A, receives B. */
  readonly left: FrameStream<A, B> & End
  /** Sends B, receives A. */
  readonly right: FrameStream<B, A> & End
  /** Both ends see it break; what was under way is lost. */
  cut(reason?: Failure): void
  /** While stalled nothing passes, not even that a side ended it. */
  stall(on: boolean): void
}

export interface End {
  /** Stops or goes on taking frames; the other end's queue grows meanwhile. */
  pauseReading(paused: boolean): void
  /** The process on this side is gone: it hears nothing any more, the other side finds out. */
  abandon(): void
  readonly isClosed: boolean
}

const broken: Failure = { code: 'no-server', message: 'the stream broke' }

export function streamPair<A, B>(options: StreamOptions): StreamPair<A, B> {
  const wire: Wire = { isStalled: false }
  const left = new StreamEnd<A, B>(options, wire)
  const right = new StreamEnd<B, A>(options, wire)
  left.other = right
  right.other = left
  return {
    left,
    right,
    cut: (reason = broken) => left.breakBoth(reason),
    stall: (on) => {
      wire.isStalled = on
      for (const end of [left, right]) end.wireChanged()
    },
  }
}

/** What both ends share. */
interface Wire {
  isStalled: boolean
}

interface Listener<In> {
  readonly onFrame: (frame: In) => void
  readonly onDrain: () => void
  readonly onClose: (reason: Failure | undefined) => void
}

class StreamEnd<Out, In> implements FrameStream<Out, In>, End {
  readonly #options: StreamOptions
  readonly #wire: Wire
  other: StreamEnd<In, Out> | undefined
  #outgoing: { readonly frame: Out; readonly bytes: number }[] = []
  #queuedBytes = 0
  #deliveryPlanned: boolean = false
  #readingPaused: boolean = false
  #ending: boolean = false
  #closed: boolean = false
  #listener: Listener<In> | undefined
  #closeReason: { readonly reason: Failure | undefined } | undefined

  constructor(options: StreamOptions, wire: Wire) {
    this.#options = options
    this.#wire = wire
  }

  get isClosed(): boolean {
    return this.#closed
  }

  send(frame: Out): void {
    if (this.#closed || this.#ending) return
    const { bytesOf = (value: unknown) => JSON.stringify(value).length } = this.#options
    const bytes = bytesOf(frame)
    this.#outgoing.push({ frame, bytes })
    this.#queuedBytes += bytes
    this.planDelivery()
  }

  queuedBytes(): number {
    return this.#queuedBytes
  }

  end(): void {
    if (this.#closed || this.#ending) return
    this.#ending = true
    this.planDelivery()
  }

  destroy(reason: Failure): void {
    this.close(reason)
    this.#tellOther()
  }

  abandon(): void {
    this.#listener = undefined
    this.close(undefined)
    this.#tellOther()
  }

  /** The wire stalled or works again. */
  wireChanged(): void {
    if (this.#closed) this.#tellOther()
    else this.planDelivery()
  }

  #tellOther(): void {
    if (this.other?.isClosed !== false) return
    this.#options.clock.after(this.#options.delayMs ?? 0, () => {
      if (!this.#wire.isStalled) this.other?.close(broken)
    })
  }

  listen(listener: Listener<In>): void {
    this.#listener = listener
    if (this.#closeReason !== undefined) listener.onClose(this.#closeReason.reason)
    else this.other?.planDelivery()
  }

  pauseReading(paused: boolean): void {
    this.#readingPaused = paused
    if (!paused) this.other?.planDelivery()
  }

  breakBoth(reason: Failure | undefined): void {
    this.close(reason)
    this.other?.close(reason)
  }

  planDelivery(): void {
    if (this.#deliveryPlanned || this.#closed) return
    this.#deliveryPlanned = true
    this.#options.clock.after(this.#options.delayMs ?? 0, () => {
      this.#deliveryPlanned = false
      this.#deliver()
    })
  }

  #deliver(): void {
    const { other } = this
    if (other === undefined || other.#listener === undefined || other.#readingPaused || this.#closed) return
    if (this.#wire.isStalled) return
    const hadQueue = this.#queuedBytes > 0
    const frames = this.#outgoing
    this.#outgoing = []
    this.#queuedBytes = 0
    for (const { frame } of frames) {
      if (other.#closed) return
      other.#listener.onFrame(frame)
    }
    if (this.#closed) return
    if (hadQueue && this.#queuedBytes === 0) this.#listener?.onDrain()
    if (this.#ending) this.breakBoth(undefined)
  }

  close(reason: Failure | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#outgoing = []
    this.#queuedBytes = 0
    this.#closeReason = { reason }
    this.#listener?.onClose(reason)
  }
}
