/**
 * A frame stream that exists before its connection does: keeps what is sent until the real stream is bound, then only
 * passes on. The caller need not know whether a server was there when it asked.
 */
import { type Failure, failed } from '../model/errors.ts'
import { limits } from '../model/limits.ts'
import type { FrameStream } from './contract.ts'

type Listener<In> = Parameters<FrameStream<never, In>['listen']>[0]

export class HeldStream<Out, In> implements FrameStream<Out, In> {
  readonly #schedule: (run: () => void) => void
  #inner: FrameStream<Out, In> | undefined
  #frames: Out[] = []
  #listener: Listener<In> | undefined
  #ended = false
  #closed: { readonly reason: Failure | undefined } | undefined

  /** `schedule` runs something soon, but not inside the call. */
  constructor(schedule: (run: () => void) => void) {
    this.#schedule = schedule
  }

  send(frame: Out): void {
    if (this.#closed !== undefined || this.#ended) return
    if (this.#inner !== undefined) this.#inner.send(frame)
    else if (this.#frames.length < limits.subscriptionsPerSession * 2) this.#frames.push(frame)
    else this.destroy(failed('overloaded', 'too many frames wait for a server').failure)
  }

  queuedBytes(): number {
    return this.#inner?.queuedBytes() ?? 0
  }

  end(): void {
    this.#ended = true
    if (this.#inner !== undefined) this.#inner.end()
    else this.fail(undefined)
  }

  destroy(reason: Failure): void {
    if (this.#inner !== undefined) this.#inner.destroy(reason)
    else this.fail(reason)
  }

  listen(listener: Listener<In>): void {
    this.#listener = listener
    const closed = this.#closed
    if (closed !== undefined) this.#schedule(() => listener.onClose(closed.reason))
    else this.#inner?.listen(listener)
  }

  /** Nobody needs the stream any more: binding one would be waste. */
  isClosed(): boolean {
    return this.#closed !== undefined
  }

  /** The connection is there: what was sent meanwhile goes first. */
  bind(inner: FrameStream<Out, In>): void {
    this.#inner = inner
    if (this.#listener !== undefined) inner.listen(this.#listener)
    for (const frame of this.#frames) inner.send(frame)
    this.#frames = []
  }

  /** No connection will come. */
  fail(reason: Failure | undefined): void {
    if (this.#closed !== undefined || this.#inner !== undefined) return
    this.#closed = { reason }
    this.#frames = []
    const listener = this.#listener
    if (listener !== undefined) this.#schedule(() => listener.onClose(reason))
  }
}
