/**
 * One stream to the server that leads, with what is under way on it. Knows at each moment whether a write can have been
 * logged: not before it was sent, and sent it is only once the other side said that it listens.
 */
import type { Principal } from '../../model/access.ts'
import type { Command } from '../../model/command.ts'
import { type Failure, failed, type Result } from '../../model/errors.ts'
import { oldestStoreVersion } from '../../model/feature.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Timer } from '../../platform/ports.ts'
import type { FrameStream, Reply } from '../../rpc/contract.ts'
import type { ForwardAnswer, ForwardFrame } from '../../rpc/server-contract.ts'
import { encodeEnvelope } from '../../wire/command.ts'
import type { Written } from '../admission/admission.ts'

interface UnderWay {
  readonly frame: ForwardFrame
  readonly reply: Reply<Written>
  sentAtMs: number
}

export class LeaderLine {
  readonly #stream: FrameStream<ForwardFrame, ForwardAnswer>
  readonly #clock: Pick<Clock, 'after' | 'monotonicMs'>
  readonly #onClosed: (reason: Failure | undefined) => void
  /** Until the other side listens. */
  #waiting: UnderWay[] | undefined = []
  /** By id, oldest first. */
  readonly #sent = new Map<number, UnderWay>()
  #lastId = 0
  /** Of the writes that have no answer. */
  #bytes = 0
  #timer: Timer
  #isClosed: boolean = false
  /** Set while another server leads: then this one has to answer soon. */
  #retired: Timer | undefined

  /** `onClosed` is told once, before those that got no answer are. */
  constructor(
    stream: FrameStream<ForwardFrame, ForwardAnswer>,
    clock: Pick<Clock, 'after' | 'monotonicMs'>,
    onClosed: (reason: Failure | undefined) => void,
  ) {
    this.#stream = stream
    this.#clock = clock
    this.#onClosed = onClosed
    this.#timer = clock.after(limits.forwardOpenMs, () =>
      this.#end(failed('no-server', 'the leader did not answer the connection in time').failure),
    )
    stream.listen({
      onFrame: (frame) => this.#hear(frame),
      onDrain: () => undefined,
      onClose: (reason) => this.#closed(reason),
    })
  }

  /** Replies once; `no-server` where it was surely not sent, `write-outcome-unknown` where no answer came. */
  write(principal: Principal, command: Command, reply: Reply<Written>): void {
    // Not for the log: the leader, which may be older, writes what it read from this in a form of its own.
    const encoded = encodeEnvelope({ version: oldestStoreVersion, principal, atMs: 0, command })
    const underWay = this.#sent.size + (this.#waiting?.length ?? 0)
    if (!encoded.ok) reply(encoded)
    else if (this.#isClosed) reply(notSent)
    else if (
      underWay >= limits.forwardsInFlight ||
      // More than this the leader takes from nobody.
      this.#bytes + encoded.value.length > limits.uncommittedBytes ||
      this.#stream.queuedBytes() > limits.forwardQueueBytes
    )
      reply(failed('overloaded', 'too many writes are on their way to the leader'))
    else {
      this.#lastId += 1
      const envelope = encoded.value
      this.#bytes += envelope.length
      const freed: Reply<Written> = (result) => {
        this.#bytes -= envelope.length
        reply(result)
      }
      this.#pass({ frame: { id: this.#lastId, envelope }, reply: freed, sentAtMs: 0 })
    }
  }

  /**
   * Another server leads: ends once what is under way has its answers, or after the time in which a server that lost
   * leadership gives them (consensus/timing.ts). One that is cut off gives none.
   */
  retire(): void {
    if (this.#retired !== undefined || this.#isClosed) return
    this.#retired = this.#clock.after(limits.forwardRetiredMs, () =>
      this.#end(failed('no-leader', 'another server leads').failure),
    )
    this.#endIfIdle()
  }

  /** The server leads again. */
  keep(): void {
    this.#retired?.cancel()
    this.#retired = undefined
  }

  close(): void {
    this.#end(failed('no-server', 'this server is stopping').failure)
  }

  #pass(underWay: UnderWay): void {
    if (this.#waiting !== undefined) {
      this.#waiting.push(underWay)
      return
    }
    underWay.sentAtMs = this.#clock.monotonicMs()
    this.#sent.set(underWay.frame.id, underWay)
    if (this.#sent.size === 1) this.#watch()
    this.#stream.send(underWay.frame)
  }

  #hear(frame: ForwardAnswer): void {
    switch (frame.kind) {
      case 'ready': {
        const waiting = this.#waiting ?? []
        this.#waiting = undefined
        this.#timer.cancel()
        for (const underWay of waiting) this.#pass(underWay)
        this.#endIfIdle()
        break
      }
      case 'written': {
        const { index, value } = frame
        this.#answered(frame.id, { ok: true, value: { ok: true, index, value } })
        break
      }
      case 'refused':
        this.#answered(frame.id, { ok: false, failure: frame.failure })
    }
  }

  #answered(id: number, result: Result<Written>): void {
    const underWay = this.#sent.get(id)
    this.#sent.delete(id)
    if (this.#sent.size === 0) this.#timer.cancel()
    underWay?.reply(result)
    this.#endIfIdle()
  }

  /** All have the same time, so the oldest is the next that may run out of it. */
  #watch(): void {
    const [oldest] = this.#sent.values()
    if (oldest === undefined) return
    const leftMs = oldest.sentAtMs + limits.forwardTimeoutMs - this.#clock.monotonicMs()
    this.#timer.cancel()
    this.#timer = this.#clock.after(Math.max(0, leftMs), () => this.#expire())
  }

  #expire(): void {
    const sentBeforeMs = this.#clock.monotonicMs() - limits.forwardTimeoutMs
    for (const { frame, sentAtMs, reply } of [...this.#sent.values()]) {
      if (sentAtMs > sentBeforeMs) break
      this.#sent.delete(frame.id)
      reply(failed('write-outcome-unknown', 'the leader did not answer in time'))
    }
    this.#watch()
    this.#endIfIdle()
  }

  #endIfIdle(): void {
    if (this.#retired === undefined || this.#isClosed) return
    if (this.#sent.size === 0 && (this.#waiting?.length ?? 0) === 0)
      this.#end(failed('no-leader', 'another server leads').failure)
  }

  #end(reason: Failure): void {
    this.#stream.destroy(reason)
    this.#closed(reason)
  }

  #closed(reason: Failure | undefined): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#timer.cancel()
    this.#retired?.cancel()
    const waiting = this.#waiting ?? []
    this.#waiting = []
    const sent = [...this.#sent.values()]
    this.#sent.clear()
    // First out of the way: an answer may bring the next write at once.
    this.#onClosed(reason)
    for (const { reply } of waiting) reply(notSent)
    for (const { reply } of sent)
      reply(failed('write-outcome-unknown', 'the leader was lost before it answered'))
  }
}

const notSent = failed('no-server', 'the leader could not be reached')
