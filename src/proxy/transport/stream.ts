/**
 * One stream of a tunnel session: its credit in both directions, its two ends, its frames out. What comes in is sorted
 * to it by session.ts; what its bytes mean is the listener's business.
 */
import { assert } from '../../model/errors.ts'
import { limits } from '../../model/limits.ts'
import type { RefusalCode } from '../../model/refusal.ts'
import type { EndCode } from '../../wire/tunnel/codes.ts'
import { putAck, putData, putFin, putRefused, putReset, putWindow } from '../../wire/tunnel/encode.ts'
import { maxCredit } from '../../wire/tunnel/frame.ts'
import type { Outbox } from './outbox.ts'
import type { ByteStream, StreamListener } from './transport.ts'
import type { ReceiveWindow } from './window.ts'

/** Credit is returned in steps of this, so that a WINDOW frame stands for many DATA frames. */
export const creditStepBytes = limits.streamWindowBytes / 4

export type StreamPhase =
  /** We sent OPEN and have no answer. */
  | 'asked'
  /** We got OPEN and have not answered. */
  | 'offered'
  | 'open'
  | 'closed'

/** What a stream needs of its session. */
export interface StreamOwner {
  readonly outbox: Outbox
  readonly window: ReceiveWindow
  /** `unusedCredit`: bytes that the peer may still have under way. */
  streamClosed(stream: TunnelStream, unusedCredit: number): void
  /** Somebody still refers to the bytes that are being received. */
  bytesHeld(): void
}

export class TunnelStream implements ByteStream {
  readonly id: number
  phase: StreamPhase
  private readonly owner: StreamOwner
  private listener: StreamListener | undefined
  private sendCredit: number
  private receiveCredit: number
  /** What the peer may have under way at most. */
  private windowBytes: number = limits.streamWindowBytes
  /** Accepted by the destination and not yet returned as credit. */
  private unreturned = 0
  private endSent: boolean = false
  private endReceived: boolean = false
  private wantsRoom: boolean = false

  constructor(owner: StreamOwner, id: number, phase: 'asked' | 'offered', sendCredit: number) {
    this.owner = owner
    this.id = id
    this.phase = phase
    this.sendCredit = sendCredit
    this.receiveCredit = phase === 'asked' ? limits.streamWindowBytes : 0
  }

  listen(listener: StreamListener): void {
    this.listener = listener
  }

  room(): number {
    if (this.phase !== 'open' || this.endSent) return 0
    const room = Math.min(this.sendCredit, this.owner.outbox.room())
    if (room === 0) this.wantsRoom = true
    return room
  }

  send(bytes: Buffer): void {
    assert(this.phase === 'open' && !this.endSent, 'data is sent on an open stream')
    assert(bytes.length <= this.sendCredit, 'data is sent within credit')
    this.sendCredit -= bytes.length
    if (bytes.length <= limits.tunnelFrameBytes) {
      putData(this.owner.outbox, this.id, bytes)
      return
    }
    for (let at = 0; at < bytes.length; at += limits.tunnelFrameBytes)
      putData(this.owner.outbox, this.id, bytes.subarray(at, at + limits.tunnelFrameBytes))
  }

  end(): void {
    if (this.phase !== 'open' || this.endSent) return
    this.endSent = true
    putFin(this.owner.outbox, this.id)
    if (this.endReceived) this.close()
  }

  reset(code: EndCode, text: string): void {
    if (this.phase === 'closed') return
    putReset(this.owner.outbox, this.id, code, text)
    this.close()
  }

  accepted(bytes: number): void {
    if (this.phase !== 'open' || this.endReceived) return
    this.unreturned += bytes
    if (this.unreturned < creditStepBytes) return
    const growth = this.owner.window.growth(this.windowBytes)
    this.windowBytes += growth
    putWindow(this.owner.outbox, this.id, this.unreturned + growth)
    this.receiveCredit += this.unreturned + growth
    this.unreturned = 0
  }

  /** Answers an offered stream: from here bytes flow. */
  accept(): void {
    assert(this.phase === 'offered', 'only an offered stream is accepted')
    this.phase = 'open'
    this.receiveCredit = limits.streamWindowBytes
    putAck(this.owner.outbox, this.id, limits.streamWindowBytes)
  }

  refuse(code: RefusalCode, text: string): void {
    assert(this.phase === 'offered', 'only an offered stream is refused')
    putRefused(this.owner.outbox, this.id, code, text)
    this.close()
  }

  /** The far side accepted and grants `credit` bytes. */
  onAck(credit: number): void {
    this.phase = 'open'
    this.sendCredit = credit
  }

  /** False where the peer sent more than it may, or after its end. */
  onData(bytes: Buffer): boolean {
    if (this.phase !== 'open' || this.endReceived || bytes.length > this.receiveCredit) return false
    this.receiveCredit -= bytes.length
    const { listener } = this
    listener?.onData(bytes)
    if (listener?.holds?.() !== false) this.owner.bytesHeld()
    return true
  }

  /** False where it comes twice or before the answer. */
  onFin(): boolean {
    if (this.phase !== 'open' || this.endReceived) return false
    this.endReceived = true
    if (this.endSent) this.close()
    this.listener?.onEnd()
    return true
  }

  /** False where the sum is no credit that anybody may give. */
  onWindow(credit: number): boolean {
    if (this.phase !== 'open' || credit === 0 || this.sendCredit + credit > maxCredit) return false
    this.sendCredit += credit
    this.onRoom()
    return true
  }

  /** The stream is gone: the far side reset it, or the session ended. */
  onReset(code: EndCode, text: string): void {
    if (this.phase === 'closed') return
    this.phase = 'closed'
    this.owner.window.release(this.windowBytes)
    this.owner.streamClosed(this, 0)
    this.listener?.onReset(code, text)
  }

  onRoom(): void {
    if (!this.wantsRoom || this.phase !== 'open') return
    this.wantsRoom = false
    this.listener?.onRoom()
  }

  private close(): void {
    this.phase = 'closed'
    this.owner.window.release(this.windowBytes)
    this.owner.streamClosed(this, this.endReceived ? 0 : this.receiveCredit)
  }
}
