/**
 * Streams of a pool: one question and one answer each. Asks others, serves those that ask, ends what takes too long, and
 * says in words of an operator why there was no answer. What is said on them stands elsewhere.
 */
import type { GossipEndpoint, StreamMessage } from '../model/gossip-message.ts'
import { limits } from '../model/limits.ts'
import type { ByteStream, Clock, PoolSocket, StreamListener, Timer } from '../platform/ports.ts'
import type { GossipSecurity } from '../wire/gossip/security.ts'
import { encodeStream, StreamReader } from '../wire/gossip/stream.ts'
import type { Drops } from './drops.ts'
import type { IsAllowed } from './networks.ts'

export type Answer =
  | { readonly ok: true; readonly message: StreamMessage }
  | { readonly ok: false; readonly reason: string }

export interface StreamsOptions {
  readonly security: GossipSecurity
  readonly drops: Drops
  readonly isAllowed: IsAllowed
  readonly clock: Clock
  /** For a stream that another member opened, until our answer. */
  readonly timeoutMs: number
  /** What is answered, if anything. */
  readonly serve: (message: StreamMessage, from: GossipEndpoint) => StreamMessage | undefined
}

export class Streams {
  readonly #options: StreamsOptions
  #socket: PoolSocket | undefined
  #opened = 0
  #served = 0

  constructor(options: StreamsOptions) {
    this.#options = options
  }

  use(socket: PoolSocket): void {
    this.#socket = socket
  }

  /** `done` is called once, never before this returns false; false: too many are open, nothing happens. */
  ask(
    to: GossipEndpoint,
    question: StreamMessage,
    timeoutMs: number,
    done: (answer: Answer) => void,
  ): boolean {
    const socket = this.#socket
    if (socket === undefined || this.#opened >= limits.gossipStreamsOpened) return false
    const { security, drops, clock } = this.#options
    this.#opened += 1
    let isDone = false
    const finish = (answer: Answer): void => {
      if (isDone) return
      isDone = true
      this.#opened -= 1
      timer.cancel()
      stream.destroy()
      done(answer)
    }
    const timer = clock.after(timeoutMs, () => finish(silent(`no answer within ${timeoutMs} ms`)))
    const listener = reading(security, {
      message: (message) =>
        finish(message.type === 'error' ? silent(`it answers: ${message.text}`) : { ok: true, message }),
      fault: (fault) => {
        drops.fault(fault, to)
        finish(silent(`its answer cannot be read: ${fault}`))
      },
      end: (error) => finish(silent(error ?? endedWithoutAnswer)),
    })
    const stream = socket.connect(to, listener)
    stream.write(encodeStream(question, security))
    return true
  }

  /** A stream that another member opened. */
  accept(stream: ByteStream): StreamListener | undefined {
    const { security, drops, isAllowed, clock, timeoutMs, serve } = this.#options
    if (!isAllowed(stream.remote.address)) {
      drops.drop('foreign-network', stream.remote)
      return undefined
    }
    if (this.#served >= limits.gossipStreamsServed) {
      drops.drop('overload', stream.remote)
      return undefined
    }
    this.#served += 1
    const serving = new Serving(stream, clock, timeoutMs, () => {
      this.#served -= 1
    })
    return reading(security, {
      message: (message) => serving.answer(serve(message, stream.remote), security),
      fault: (fault) => {
        drops.fault(fault, stream.remote)
        serving.answer({ type: 'error', text: fault }, security)
      },
      end: (error) => serving.ended(error),
    })
  }
}

/** One stream of another member, from its first byte until it is closed. */
class Serving {
  readonly #stream: ByteStream
  readonly #timer: Timer
  readonly #onOver: () => void
  #isAnswered = false
  #isOver = false

  constructor(stream: ByteStream, clock: Clock, timeoutMs: number, onOver: () => void) {
    this.#stream = stream
    this.#onOver = onOver
    this.#timer = clock.after(timeoutMs, () => {
      stream.destroy()
      this.#over()
    })
  }

  answer(message: StreamMessage | undefined, security: GossipSecurity): void {
    this.#isAnswered = message !== undefined
    if (message === undefined) this.#destroy()
    else {
      this.#stream.write(encodeStream(message, security))
      this.#stream.end()
    }
  }

  /** A side that has nothing more to say may still read our answer: only the timer ends it then. */
  ended(error: string | undefined): void {
    if (error === undefined && this.#isAnswered) this.#over()
    else this.#destroy()
  }

  #destroy(): void {
    this.#timer.cancel()
    this.#stream.destroy()
    this.#over()
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#onOver()
  }
}

interface Reading {
  message(message: StreamMessage): void
  fault(fault: string): void
  end(error: string | undefined): void
}

/** One message; what comes behind it is not looked at. */
function reading(security: GossipSecurity, { message, fault, end }: Reading): StreamListener {
  const reader = new StreamReader(security)
  let isRead = false
  return {
    onBytes(piece) {
      if (isRead) return
      const progress = reader.push(piece)
      if (progress.kind === 'more') return
      isRead = true
      if (progress.kind === 'message') message(progress.message)
      else fault(progress.fault)
    },
    onEnd: end,
  }
}

const silent = (reason: string): Answer => ({ ok: false, reason })

const endedWithoutAnswer =
  'it closed the connection without an answer, as members with another gossip key, label or allowed network do'
