/**
 * One stream to the server that leads, with the writes under way on it. Knows at each moment whether a write can have been
 * logged: not before it was sent, and sent it is only once the other side said that it listens.
 */
import type { Principal } from '../../model/access.ts'
import { type Command, commandVersion } from '../../model/command.ts'
import { type Failure, failed } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { Clock, Timer } from '../../platform/ports.ts'
import type { FrameStream, Reply } from '../../rpc/contract.ts'
import type { ForwardAnswer, ForwardFrame } from '../../rpc/server-contract.ts'
import { encodeEnvelope } from '../../wire/command.ts'
import type { Written } from '../admission/admission.ts'

interface UnderWay {
  readonly id: number
  readonly envelope: Uint8Array
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
  #timer: Timer
  #isClosed: boolean = false
  #isRetired: boolean = false

  /** `onClosed` is told once; by then every write was answered. */
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
    const encoded = encodeEnvelope({ version: commandVersion, principal, atMs: 0, command })
    const underWay = this.#sent.size + (this.#waiting?.length ?? 0)
    if (!encoded.ok) reply(encoded)
    else if (this.#isClosed) reply(notSent)
    else if (underWay >= limits.forwardsInFlight || this.#stream.queuedBytes() > limits.forwardQueueBytes)
      reply(failed('overloaded', 'too many writes are on their way to the leader'))
    else {
      this.#lastId += 1
      this.#send({ id: this.#lastId, envelope: encoded.value, reply, sentAtMs: 0 })
    }
  }

  /** Another server leads: ends once the writes under way have their answers. */
  retire(): void {
    this.#isRetired = true
    this.#endIfIdle()
  }

  close(): void {
    this.#end(failed('no-server', 'this server is stopping').failure)
  }

  #send(write: UnderWay): void {
    if (this.#waiting !== undefined) {
      this.#waiting.push(write)
      return
    }
    write.sentAtMs = this.#clock.monotonicMs()
    this.#sent.set(write.id, write)
    if (this.#sent.size === 1) this.#watch()
    this.#stream.send({ id: write.id, envelope: write.envelope })
  }

  #hear(frame: ForwardAnswer): void {
    switch (frame.kind) {
      case 'ready': {
        const waiting = this.#waiting ?? []
        this.#waiting = undefined
        this.#timer.cancel()
        for (const write of waiting) this.#send(write)
        this.#endIfIdle()
        break
      }
      case 'written': {
        const { index, value } = frame
        this.#take(frame.id)?.reply({ ok: true, value: { ok: true, index, value } })
        break
      }
      case 'refused':
        this.#take(frame.id)?.reply({ ok: false, failure: frame.failure })
    }
  }

  #take(id: number): UnderWay | undefined {
    const write = this.#sent.get(id)
    this.#sent.delete(id)
    if (this.#sent.size === 0) this.#timer.cancel()
    this.#endIfIdle()
    return write
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
    for (const write of [...this.#sent.values()]) {
      if (write.sentAtMs > sentBeforeMs) break
      this.#sent.delete(write.id)
      write.reply(failed('write-outcome-unknown', 'the leader did not answer in time'))
    }
    this.#watch()
    this.#endIfIdle()
  }

  #endIfIdle(): void {
    if (!this.#isRetired || this.#isClosed) return
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
